"""A training run's folder as `acq train-kd` leaves it, without training."""

import json


def make_run(
    data, name, *, train=(), test=(), data_hash="0" * 64, metrics=True, started_from=None,
    read_from="ubfc",
):
    """Write metrics.json, a report and one checkpoint with one weight."""
    folder = data / "runs" / name
    folder.mkdir(parents=True)
    if metrics:
        body = {
            "subjects": {"train": list(train), "test": list(test)}, "data_hash": data_hash,
            "split_hash": "1" * 64, "started_from": started_from,
            "read_from": read_from,
        }
        (folder / "metrics.json").write_text(json.dumps(body))
        (folder / "report.html").write_text(
            f"<p>trained on {', '.join(train)}; tested on {', '.join(test)}</p>"
        )
    header = json.dumps({
        "__metadata__": {"format": "acq-checkpoint-1", "data_hash": data_hash},
        "weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
    }).encode()
    (folder / "student.safetensors").write_bytes(
        len(header).to_bytes(8, "little") + header + bytes(4)
    )
    return folder
