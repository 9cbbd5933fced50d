"""The verb predict: what a run says about rows."""

from __future__ import annotations

import click

from kit.cli import completing
from kit.cli.declaring import as_json, competition, verb
from kit.cli.printing import dump, show, width
from kit.notes import tell


@verb()
@competition
@click.argument("run", shell_complete=completing.runs)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path())
@click.option("--test-item", metavar="ID", help="The id of a test row.")
@click.option("--record", metavar="SECONDS", type=float, help="Record this long with the microphone.")
@click.option(
    "--rows", metavar="FILE", type=click.Path(), help="A file like the test file, all of whose rows are predicted."
)
@click.option(
    "--out", metavar="FILE", type=click.Path(), help="Where the predictions of --rows go (default: the run's folder)."
)
@click.option("--html", metavar="FILE", type=click.Path(), help="Write a web page of texts with their words coloured.")
@as_json
def predict(
    competition: str,
    run: str,
    files: tuple[str, ...],
    test_item: str | None,
    record: float | None,
    rows: str | None,
    out: str | None,
    html: str | None,
    as_json: bool,
) -> None:
    """Show what a run predicts for files, for a test row, for the microphone, or for a file of many rows.

    RUN is the name of a run, the beginning or the end of its name, or `last`. FILE is a recording, an image or a text,
    as the competition has them. Recordings can have any format and rate, and are cut into utterances.

    For a text, the words that moved the prediction are told: each word's effect is by how much the log-odds of the
    label fall without it (occlusion). In a terminal the text is coloured.

    --rows takes a CSV, Parquet or JSON lines file with any number of rows, and writes a file like a submission. If the
    file also holds the answers, the score is printed.

    Example:
      kit predict digit-recognizer last --test-item 850
      kit predict audio-mnist last me.wav friend.mp3
      kit predict audio-mnist last --record 3
      kit predict disaster-tweets last "Forest fire near the village" --html words.html
      kit predict disaster-tweets last --rows new-tweets.csv --out predicted.csv
    """
    from kit.api import predicting

    if [bool(files), test_item is not None, record is not None, rows is not None].count(True) != 1:
        raise click.UsageError("Give files, or --test-item, or --record, or --rows: one of them.")
    if out is not None and rows is None:
        raise click.UsageError("--out goes with --rows.")
    if html is not None and not files:
        raise click.UsageError("--html goes with files.")
    answer = predicting.predict(
        competition, run, *files, test_item=test_item, record=record, rows=rows, out=out, html=html
    )
    if as_json:
        return dump(answer.facts())
    if isinstance(answer, predicting.Rows):
        print(answer.summary())
        tell(f"Predictions: {answer.out}")
        return None
    if isinstance(answer, predicting.Prediction):
        print(answer.summary())
    show(answer.table())
    if isinstance(answer, predicting.Predictions):
        for line in answer.words(colours=width() is not None):
            print(line)
        if answer.page:
            tell(f"Page: {answer.page}")
    for picture in [answer.picture] if isinstance(answer, predicting.Prediction) else answer.pictures:
        tell(f"Picture: {picture}")
    return None
