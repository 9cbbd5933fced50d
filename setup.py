"""What setup.cfg cannot say: `competitions/` of the repository is installed as the package `kit.competitions`.

Rooms of kit and competitions are found by their folders, and every file in them travels, so that nothing is listed.
"""

from setuptools import find_namespace_packages, setup

CACHES = ["__pycache__", "*.__pycache__"]

names = find_namespace_packages("competitions", exclude=CACHES)
setup(
    packages=[
        *find_namespace_packages(include=["kit", "kit.*"], exclude=CACHES),
        "kit.competitions",
        *(f"kit.competitions.{name}" for name in names),
    ],
    package_dir={"kit.competitions": "competitions"},
    package_data={"": ["*"]},
)
