"""`.kis.yaml` strategy files, in and out: read as data, never run, and nothing in them guessed."""

from strategies.kis_yaml.exporting import KisAbout, KisExport, dump, write_kis_yaml
from strategies.kis_yaml.importing import KisImport, read_kis_yaml
from strategies.kis_yaml.problems import KisYamlInvalid, Remark

__all__ = ["KisAbout", "KisExport", "KisImport", "KisYamlInvalid", "Remark", "dump", "read_kis_yaml", "write_kis_yaml"]
