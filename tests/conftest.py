"""Makes `ansible_collections.sophia.platform` importable, as Ansible itself does through the committed link."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "collections"))
sys.path.insert(0, str(ROOT))
