"""Boards of made-up records, with weights that are what their hashes say."""

from records import make_entry, weights_text, write_board

from drbench.trust.evidence import weights_name


def write_records(board, *records, evidence=True):
    """A built board of records, each an entry of ann's."""
    return write_board(board, *map(make_entry, records))


def write_evidence(board, record):
    """Files of weights of a made-up record; says which, relative to the board."""
    names = []
    for stage, digest in record.provenance.encoder_hash.items():
        names.append(weights_name(digest))
        (board / names[-1]).parent.mkdir(parents=True, exist_ok=True)
        (board / names[-1]).write_text(weights_text(record.spec, stage))
    return sorted(set(names))
