"""`kit demo`: the main job, ending on the emulator."""

from __future__ import annotations

import json

from kit import demo


def test_the_demo_trains_submits_and_shows_a_leaderboard(kit, workspace, monkeypatch):
    monkeypatch.setattr(demo, "RECIPES", ("neighbours", "forest"))
    status, out, err = kit("demo", "--json")
    rows = json.loads(out)
    assert status == 0
    assert {row["recipe"] for row in rows} == {"neighbours", "forest"}
    assert all(row["public"] > 0.9 and row["private"] > 0.9 and row["cv"] > 0.9 for row in rows)
    assert rows[0]["public"] >= rows[1]["public"]
    assert "kit submit digit-recognizer" in err
    assert list((workspace / "data" / "demo" / "submissions" / "digit-recognizer").glob("*/kaggle.json"))
    assert not (workspace / "submissions").exists()


def test_the_demo_says_what_to_type_next(kit, workspace, monkeypatch):
    monkeypatch.setattr(demo, "RECIPES", ("neighbours",))
    _, out, _ = kit("demo")
    assert "you <-" in out
    assert "  kit train digit-recognizer neighbours\n" in out
