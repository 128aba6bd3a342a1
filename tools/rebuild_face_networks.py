"""Rebuild the face networks that ship with acq from facenet-pytorch's weights.

    .venv/bin/python tools/rebuild_face_networks.py

writes `dataset/face/weights/*.onnx`; where nothing was changed, git shows no difference. It needs
the extras `train` and `board`. `tests/models/export/test_face_networks.py` compares in CI.
"""

from dataset.face.mtcnn import NETS
from models.export.face_networks import write_face_networks

if __name__ == "__main__":
    for name, difference in write_face_networks(NETS).items():
        print(f"{NETS / name}.onnx: largest difference from torch {difference:.1g}")
