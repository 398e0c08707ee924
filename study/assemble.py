"""Puts the page together: one file that needs nothing else."""
import json
import os

STUDY = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(STUDY, "page")
SCRIPTS = ("model.js", "dom.js", "timeline.js", "instruction.js", "registers.js", "steps.js",
           "memory.js", "words.js", "compare.js", "main.js")


def read(name):
    with open(os.path.join(PAGE, name), encoding="utf-8") as file:
        return file.read()


def embed(content):
    """As JSON that may stand within an HTML element."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c")


def page(content):
    """The whole page with its data."""
    script = '(() => {\n"use strict";\n' + "\n".join(map(read, SCRIPTS)) + "})();\n"
    return (read("page.html")
            .replace("/* insert: style */", read("page.css"))
            .replace("/* insert: script */", script)
            .replace("/* insert: data */", embed(content)))
