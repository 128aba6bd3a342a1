"""The dataset card for programs: Croissant 1.0, JSON-LD that data portals read.

It is written as plain JSON, so that nobody needs the package `mlcroissant` to write a card; a test
reads it with that package. Files are named relative to the card, with their SHA-256. `recordings`
reads the manifest's entries, `labels` the three rows of each ground_truth.txt. Source: the
Croissant format specification 1.0, MLCommons, and its vocabulary for responsible AI.
"""

import hashlib
from typing import Any

from acquire import data_folder
from dataset.layouts.manifest import MANIFEST
from dataset.layouts.ubfc import LABELS, VIDEO

from .description import NO_LICENCE, AboutDataset, citation, describe_dataset, known_limits, title
from .facts import Facts
from .listed import with_own_hash

CONTEXT = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract",
    "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key",
    "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex",
    "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source",
    "subField": "cr:subField", "transform": "cr:transform",
}
_TEXT, _INTEGER, _FLOAT, _TRUTH = "sc:Text", "sc:Integer", "sc:Float", "sc:Boolean"
# Of the manifest's entries, those that a program picks recordings by.
_COLUMNS = {
    "folder": _TEXT, "side": _TEXT, "subject": _TEXT, "session": _TEXT, "simulated": _TRUTH,
    "frames": _INTEGER, "width": _INTEGER, "height": _INTEGER, "fps": _FLOAT, "duration_s": _FLOAT,
    "hr_bpm": _FLOAT, "lost_frames": _INTEGER, "lost_samples": _INTEGER, "video_sha256": _TEXT,
    "labels_hash": _TEXT,
}
UNDATED = "1970-01-01"       # the format wants a date; no recording is here to give one


def croissant(facts: Facts, about: AboutDataset, *, markdown: str) -> dict[str, Any]:
    """Return the card as JSON-LD; `markdown` is the card for people, whose hash it holds."""
    manifest = facts.manifest
    card: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": title(facts, about),
        "description": describe_dataset(facts),
        "version": f"1.0.0+{manifest.data_hash[:12]}",
        "license": about.licence or NO_LICENCE,
        "citeAs": citation(facts, about),
        "datePublished": about.published or facts.last_day or UNDATED,
        "keywords": [
            "rPPG", "PPG", "heart rate", "face video",
            *(["simulated"] if facts.simulated != "none" else []),
        ],
        "rai:dataLimitations": known_limits(facts),
        "rai:personalSensitiveInformation": ["faces on video", "pulse"]
        if facts.simulated != "all"
        else [],
        "rai:dataPreprocessingProtocol": [
            f"{name}: {value}" for name, value in sorted(manifest.filter.items())
        ],
        "distribution": _files(facts, markdown),
        "recordSet": [_recordings(), _labels()],
    }
    if about.url:
        card["url"] = about.url
    if about.creators:
        card["creator"] = [{"@type": "Person", "name": name} for name in about.creators]
    return with_own_hash({name: value for name, value in card.items() if value != []})


def _files(facts: Facts, markdown: str) -> list[dict[str, Any]]:
    files = [
        _file(MANIFEST, facts.manifest_sha256, "application/json"),
        _file(data_folder.CARD, hashlib.sha256(markdown.encode()).hexdigest(), "text/markdown"),
    ]
    for entry in facts.entries:
        files += [
            _file(
                f"{entry.folder}/{VIDEO}", entry.video.file_sha256, "video/x-msvideo",
                size=entry.video.size_bytes,
            ),
            _file(f"{entry.folder}/{LABELS}", entry.labels.sha256, "text/plain"),
        ]
    files.append(
        {
            "@type": "cr:FileSet", "@id": "label-files", "name": "label-files",
            "encodingFormat": "text/plain", "includes": f"*/subject*/{LABELS}",
        }
    )
    return files


def _file(name: str, sha256: str, encoding: str, *, size: int | None = None) -> dict[str, Any]:
    about = {} if size is None else {"contentSize": f"{size} B"}
    return {
        "@type": "cr:FileObject", "@id": name, "name": name, "contentUrl": name, **about,
        "encodingFormat": encoding, "sha256": sha256,
    }


def _recordings() -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"recordings/{name}",
            "name": name,
            "dataType": kind,
            "source": {
                "fileObject": {"@id": MANIFEST}, "extract": {"jsonPath": f"$.entries[*].{name}"},
            },
        }
        for name, kind in _COLUMNS.items()
    ]
    return {
        "@type": "cr:RecordSet", "@id": "recordings", "name": "recordings",
        "key": {"@id": "recordings/folder"},
        "description": "One curated folder a record, as in the manifest.", "field": fields,
    }


def _labels() -> dict[str, Any]:
    def field(name: str, kind: str, prop: str, **more: Any) -> dict[str, Any]:
        return {
            "@type": "cr:Field", "@id": f"labels/{name}", "name": name, "dataType": kind, **more,
            "source": {"fileSet": {"@id": "label-files"}, "extract": {"fileProperty": prop},
                       **({"transform": {"separator": " "}} if "repeated" in more else {})},
        }

    return {
        "@type": "cr:RecordSet",
        "@id": "labels",
        "name": "labels",
        "description": "Three records a folder, one number a frame: PPG (row 0), heart rate in bpm "
                       "(row 1), seconds (row 2).",
        "field": [
            field("file", _TEXT, "fullpath"), field("row", _INTEGER, "lineNumbers"),
            field("values", _FLOAT, "lines", repeated=True),
        ],
    }
