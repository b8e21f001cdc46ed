"""Generated images as DICOM files that say in every place the standard has for it that no X-ray was taken."""

from __future__ import annotations

import hashlib
import json
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from semiray.escaping import in_terminal
from semiray.generation.synthetic import WARNING, Synthetic, describe_image, software

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.uid import UID

__all__ = ["PRIVATE_GROUP", "encode_dicom"]

PRIVATE_GROUP = 0x0071
"""The group of the private block, whose creator is ``semiray``."""

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_NAME = "semiray"
_MOST_COMMENT = 10_240  # characters of a long text (LT)
_LAST_INSTANCE = 2**31 - 1  # of an integer string (IS)


def encode_dicom(synthetic: Synthetic, i: int, run_name: str) -> bytes:
    """Image ``i`` as a DICOM file: a Secondary Capture with explicit little-endian elements, 8 bits a pixel.

    It is marked by Synthetic Data, the Conversion Type SYN, the Image Type and a Contributing Equipment whose purpose
    is synthesis (PS3.3, C.12.1.1 and C.8.6.1; PS3.16, CID 7005). What was requested of it stands in a private block
    and in the comment. Pixels have no size, since none is known. Every image is a patient of its own, with identifiers
    that are digests of pixels, run, seed, index and request: the same image always gets the same bytes.

    Raises:
        ImportError: pydicom isn't installed.
    """
    from pydicom import Dataset, FileMetaDataset, dcmwrite
    from pydicom.uid import ExplicitVRLittleEndian

    said = describe_image(synthetic, i, run_name)
    pixels = synthetic.images[i]
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode() + pixels.tobytes()).hexdigest()
    version = software().removeprefix(f"{_NAME} ")

    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"  # UTF-8
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    dataset.SOPClassUID = _SECONDARY_CAPTURE
    dataset.SOPInstanceUID = _uid(digest)
    dataset.SyntheticData = "YES"
    dataset.Modality = "OT"  # no machine took it
    dataset.ConversionType = "SYN"
    dataset.BodyPartExamined = "CHEST"
    dataset.PatientName = "Synthetic^Image"
    dataset.PatientID = f"SYNTHETIC-{digest[:16]}"
    dataset.StudyInstanceUID = _uid(f"study {digest}")
    dataset.SeriesInstanceUID = _uid(f"series {digest}")
    dataset.SeriesNumber = 1
    dataset.SeriesDescription = "Synthetic, not for diagnosis"
    dataset.InstanceNumber = min(int(synthetic.index[i]), _LAST_INSTANCE)
    for keyword in (  # unknown, but the standard wants them
        *("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "PatientBirthDate", "PatientSex"),
        *("StudyID", "PatientOrientation"),
    ):
        setattr(dataset, keyword, None)
    dataset.Manufacturer = _NAME
    dataset.ManufacturerModelName = _NAME
    dataset.SoftwareVersions = version
    dataset.ContributingEquipmentSequence = [_equipment(version)]
    dataset.DerivationDescription = WARNING
    dataset.ImageComments = _comment(synthetic, i)
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    dataset.WindowCenter, dataset.WindowWidth = 128, 256  # all grey levels as they are
    raw = pixels.tobytes()
    dataset.PixelData = raw + b"\0" * (len(raw) % 2)
    dataset["PixelData"].VR = "OB"

    block = dataset.private_block(PRIVATE_GROUP, _NAME, create=True)
    block.add_new(0x01, "UT", in_terminal(run_name))
    block.add_new(0x02, "UT", in_terminal(synthetic.label_name(i)))
    block.add_new(0x03, "LO", str(synthetic.seed))
    block.add_new(0x04, "LO", str(synthetic.index[i]))
    block.add_new(0x05, "UT", in_terminal(synthetic.event or ""))
    if synthetic.event_probability is not None:
        block.add_new(0x06, "FD", synthetic.event_probability)
    block.add_new(0x07, "UT", json.dumps(said["codes"]))

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = _uid("implementation")  # else pydicom's, which its version changes
    dataset.file_meta.ImplementationVersionName = _NAME.upper()
    file = BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _equipment(version: str) -> Dataset:
    """The item of Contributing Equipment that says that a program synthesised the image."""
    from pydicom import Dataset

    purpose, equipment = Dataset(), Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "109100", "DCM"
    purpose.CodeMeaning = "Synthesizing Equipment"
    equipment.Manufacturer = equipment.ManufacturerModelName = _NAME
    equipment.SoftwareVersions = version
    equipment.ContributionDescription = WARNING
    equipment.PurposeOfReferenceCodeSequence = [purpose]
    return equipment


def _comment(synthetic: Synthetic, i: int) -> str:
    """What was requested, for whoever looks at the image in a viewer."""
    words = [WARNING]
    if label := synthetic.label_name(i):
        words.append(f"Class: {label}.")
    if synthetic.event is not None:
        words.append(f"Event: {synthetic.event}.")
    leads = (
        f"{name.removesuffix('[0]')} {code:.4g}"
        for name, code in zip(synthetic.names, synthetic.codes[i], strict=True)
        if name.endswith("[0]")
    )
    words.append(f"Codes: {', '.join(leads)}.")
    return in_terminal(" ".join(words))[:_MOST_COMMENT]


def _uid(text: str) -> UID:
    """A UID derived from a text: ``2.25.`` and a UUID as a number (PS3.5, B.2)."""
    from pydicom.uid import UID

    return UID(f"2.25.{uuid5(NAMESPACE_URL, f'{_NAME} {text}').int}")
