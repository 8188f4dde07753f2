"""The report as data, for programs: the fields of ``Report`` by name; times are epoch seconds."""

from dataclasses import asdict

from engine.model.data import JsonMap
from engine.model.report import Report
from engine.reporting.words import json_text


def report_json(report: Report) -> JsonMap:
    """The report as plain data."""
    return {"schema": "report/v1", **asdict(report)}


def report_json_text(report: Report) -> str:
    """The same as text, ASCII only: what a host said stays data, also on a terminal."""
    return json_text(report_json(report)) + "\n"
