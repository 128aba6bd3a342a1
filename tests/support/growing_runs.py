"""A run that trains, as its folder shows it: states that gain epochs, then results and a report."""

import json

from acquire.writing import hold, named

NAME = "20260101T090000Z"
REPORT = "<h1>The report</h1><script>document.title = 'a script ran'</script>"


class GrowingRun:
    """The folder of a run; a context manager while it is trained."""

    def __init__(self, data):
        self.runs = data / "runs"
        self.part = self.runs / f".{NAME}.part"
        self.states = self.part / "states/seed0-fold1"
        self.states.mkdir(parents=True)
        (self.part / "run.json").write_text(json.dumps({
            "data_hash": "d" * 64, "folds": None, "seeds": 1,
            "subjects": {"train": ["S01"], "test": ["S02"]},
        }))
        self._lock = hold(self.runs, named(self.part.name))

    def __enter__(self):
        self._lock.__enter__()
        return self

    def __exit__(self, *error):
        self._lock.__exit__(*error)

    def write_losses(self, network, losses):
        """Write the state of a training: the loss on the labels after each epoch."""
        about = {"curve": [{"loss": loss, "label": loss} for loss in losses]}
        header = json.dumps({
            "__metadata__": {"format": "acq-training-1", "about": json.dumps(about)},
        }).encode()
        part = self.part / f"{network}.part"
        part.write_bytes(len(header).to_bytes(8, "little") + header)
        part.replace(self.states / f"{network}.state")

    def end(self, **mae_bpm):
        """Write the results of each network, and give the run its name."""
        methods = {
            name: {"mae_bpm": error, "parameters": 1000, "coverage_percent": 100.0,
                   "interval": {"mae_bpm": [error - 1, error + 1]},
                   "curve": [{"loss": 1.0, "label": 1.0}, {"loss": 0.5, "label": 0.5}]}
            for name, error in mae_bpm.items()
        }
        (self.part / "metrics.json").write_text(json.dumps({
            "methods": methods, "folds": [{}], "seeds": [{}], "data_hash": "d" * 64,
            "subjects": {"train": ["S01"], "test": ["S02"]},
        }))
        (self.part / "report.html").write_text(REPORT)
        for path in self.states.iterdir():
            path.unlink()
        (self.part / "run.json").unlink()
        self.part.rename(self.runs / NAME)
