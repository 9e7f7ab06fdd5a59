"""Boards of made-up records, with evidence that is what their hashes say."""

from drbench.files import sha256_text
from drbench.trust.store import write_board


def write_records(board, *records, evidence=False):
    """A built board of records, and files with the texts that `make_record` hashed."""
    (board / "records").mkdir(parents=True)
    for record in records:
        (board / "records" / f"{record.key}.json").write_text(record.to_json())
        if evidence:
            write_evidence(board, record)
    write_board(board)
    return board


def write_evidence(board, record):
    """Files of evidence of a made-up record; says which, relative to the board."""
    spec, written = record.spec, []
    for stage in record.scores:
        trained = spec.init if stage == "before" else spec
        texts = {"weights": f"encoder {trained.key}", "latents": f"{stage} {record.key}"}
        for kind, text in texts.items():
            name = f"evidence/{kind}/{sha256_text(text)}.safetensors"
            (board / name).parent.mkdir(parents=True, exist_ok=True)
            (board / name).write_text(text)
            written.append(name)
    return sorted(written)
