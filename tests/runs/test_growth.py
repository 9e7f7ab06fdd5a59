"""An option that is added with a default leaves what was published readable."""

import subprocess
import sys
from pathlib import Path

BOARD = Path(__file__).parents[2] / "leaderboard"
GROWN = """
import sys
from pathlib import Path
from pydantic import create_model
from drbench.models import budget

budget.Training = create_model("Training", __base__=budget.Training, compiled=(bool, False))

from drbench.runs.spec import RunSpec
from drbench.trust.store import load_entries

assert "compiled" in RunSpec.model_fields["training"].annotation.model_fields
print(len(load_entries(Path(sys.argv[1]))))
"""


def test_a_board_that_was_written_before_an_option_is_read_with_it():
    records = list((BOARD / "records").rglob("*.json"))
    command = [sys.executable, "-c", GROWN, str(BOARD)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (str(len(records)), "")
    assert records
