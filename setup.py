"""Puts the catalogue of models, which lives at the top of the source tree, inside the package."""

from setuptools import find_packages, setup

CATALOGUE = "lucidx.modelzoo.catalogue"
PAGE = ["static/*.html", "static/*.css", "static/*.js", "static/scripts/*.js"]

setup(
    packages=[*find_packages(include=["lucidx", "lucidx.*"]), CATALOGUE, f"{CATALOGUE}.labels"],
    package_dir={
        "lucidx": "lucidx",
        CATALOGUE: "modelzoo",
        f"{CATALOGUE}.labels": "modelzoo/labels",
    },
    package_data={
        CATALOGUE: ["*.json"],
        f"{CATALOGUE}.labels": ["*.txt"],
        "lucidx": ["py.typed"],
        "lucidx.compat.porting": ["*.json"],
        "lucidx.scratch.web": ["*.js"],
        "lucidx.interfaces": PAGE,
        "lucidx.recipes.activation_atlas": PAGE,
        "lucidx.recipes.circuits": PAGE,
        "lucidx.sweep": PAGE,
    },
)
