"""The draft as files: competition.py, which says what the task is, features.py, and a short file for each recipe."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from importlib import resources
from string import Template
from typing import Any

from kit.new import guess, sizes
from kit.new.guess import Draft
from kit.new.keys import Keys
from kit.new.kinds import Join
from kit.new.look import Table
from kit.new.origin import Origin
from kit.new.ready import Ready
from kit.new.splitting import Splitting

WIDTH = 118
"""Characters of a line."""

LISTED = 12
"""Names of columns or labels that competition.py lists itself; more of them stand in `_names.py` beside it."""


def files(draft: Draft, *, name: str, source: Origin, ready: Ready) -> dict[str, str]:
    """The files of a competition called `name`, by their names: Python text.

    `source` is where its files come from, `ready` how they were made ready.
    """
    declaration = _Declaration(draft, name, source, ready)
    made = {"competition.py": declaration.text()}
    if declaration.names:
        made["_names.py"] = '"""Names that competition.py would be too long with."""\n\n' + "\n".join(
            f"{each} = {_tuple(values)}\n" for each, values in declaration.names.items()
        )
    if draft.rows.kind != "image":
        made["features.py"] = template("features")
    for recipe in draft.recipes:
        made[f"{recipe}.py"] = _recipe(draft, recipe)
    return made


def template(name: str) -> str:
    """The text of a template."""
    return (resources.files("kit.new") / "templates" / f"{name}.txt").read_text(encoding="utf-8")


def _recipe(draft: Draft, name: str) -> str:
    """A recipe's file; the default one says why it is that."""
    kind, words = draft.rows.kind, "_words" if draft.rows.texts else ""
    numbers = "_numbers" if guess.are_numbers(draft.wanted, draft.scored) else ""
    pairs = "_pairs" if kind == "text" and len(draft.rows.texts) > 1 else ""
    likely = [
        f"{kind}_{name}{pairs}{numbers}",
        f"{kind}_{name}{words}{numbers}",
        f"{kind}_{name}{words}",
        f"{kind}_{name}{numbers}",
        f"{kind}_{name}",
        name,
    ]
    text = template(next(each for each in likely if each in _templates()))
    chosen = f"kit new chose it: {draft.why_default}." if name == draft.default else ""
    text = text.replace("\n\nCHOSEN", "\n\n" + "\n".join(textwrap.wrap(chosen, WIDTH)) if chosen else "")
    return Template(text).substitute(sizes.settings(draft))


def _templates() -> set[str]:
    return {path.name.removesuffix(".txt") for path in (resources.files("kit.new") / "templates").iterdir()}


class _Declaration:
    """competition.py, put together line by line."""

    def __init__(self, draft: Draft, name: str, source: Origin, ready: Ready) -> None:
        self.draft, self.name, self.source, self.ready = draft, name, source, ready
        self.imports: dict[str, set[str]] = {}
        self.constants: list[str] = []
        self.names: dict[str, Sequence[Any]] = {}
        self.train, self.test, self.sample = draft.roles.train, draft.roles.test, draft.roles.sample

    def text(self) -> str:
        """The whole file."""
        self._need("kit.task.contract", "Competition", "Data", "Submission")
        self._need("kit.task.sources", self.source.expression(self.name).partition("(")[0])
        self._constants()
        load = self._load()
        answers = self._answers()
        body = self._competition()
        return "\n".join(
            [
                self._docstring(),
                "",
                *self._imports(),
                "",
                *self.constants,
                "",
                "",
                *answers,
                *load,
                "",
                "",
                *body,
                "",
            ]
        )

    def _need(self, module: str, *names: str) -> None:
        self.imports.setdefault(module, set()).update(names)

    def _docstring(self) -> str:
        wanted, title = self.draft.wanted, self.name.replace("-", " ").capitalize()
        what = ", ".join(wanted.columns[:3]) + (
            f" and {len(wanted.columns) - 3} more" if len(wanted.columns) > 3 else ""
        )
        kind = {"table": f"a table of {len(self.draft.rows.columns):,} columns", "text": "texts", "image": "images"}
        lines = textwrap.wrap(f'"""{title}: predicts {what} from {kind[self.draft.rows.kind]}.', WIDTH)
        lines += [
            "",
            *textwrap.wrap(f"Written by kit new, which looked at {self.source.said}. It is yours to change.", WIDTH),
        ]
        if any(not each.sure for each in self.draft.findings):
            lines += textwrap.wrap("What is marked GUESSED could not be told for sure from the files.", WIDTH)
        return "\n".join([*lines, '"""'])

    def _constants(self) -> None:
        draft, wanted, keys = self.draft, self.draft.wanted, self.draft.keys
        self._constant("ID", keys.sample)
        self._constant("TARGET", wanted.columns)
        if wanted.source != wanted.columns:
            self._constant("SOURCE", wanted.source, wanted.why, sure=wanted.sure)
        elif not wanted.sure:
            self.constants[-1] += f"  # GUESSED: {wanted.why}"
        if wanted.kind in ("labels", "guesses") and not self._by_columns():
            self._constant("LABELS", wanted.labels, single=False)
        if late := [name for name in wanted.left_out if self.test is not None]:
            few = ", ".join(late[:4]) + (", ..." if len(late) > 4 else "")
            self.constants.append(f"# The test rows lack {few}: what is known only afterwards cannot be learned from.")
        if extra := draft.rows.extra:
            few = ", ".join(extra[:4]) + (", ..." if len(extra) > 4 else "")
            self.constants.append(f"# The training rows lack {few}, which only the test rows have.")

    def _constant(
        self, name: str, values: Sequence[Any], why: str = "", *, sure: bool = True, single: bool = True
    ) -> None:
        if len(values) > LISTED:
            if list(values) == list(range(int(values[0]) if isinstance(values[0], int) else 0, len(values))) and values:
                self.constants.append(f"{name} = tuple(range({len(values)}))")
                return
            self.names[name] = values
            self._need("._names", name)
            return
        value = _spelled(values[0]) if single and len(values) == 1 else _tuple(values)
        self.constants.append(f"{name} = {value}" + (f"  # {'' if sure else 'GUESSED: '}{why}" if why else ""))

    def _by_columns(self) -> bool:
        """Whether each class has a column of its own."""
        return self.draft.wanted.kind == "labels" and len(self.draft.wanted.columns) > 1

    # --- load

    def _load(self) -> list[str]:
        self._need("pathlib", "Path")
        lines = ["def load(public: Path) -> tuple[Data, Data]:", self._says()]
        lines += self._read()
        lines += self._targets()
        lines += self._data()
        return [lines[0], *(f"    {line}" if line else "" for line in lines[1:])]

    def _says(self) -> str:
        kind = self.draft.rows.kind
        if kind == "image":
            return '"""Train rows and test rows: the files of their images, which are read when they are needed."""'
        return '"""Train rows and test rows: the columns that both have."""'

    def _read(self) -> list[str]:
        """Lines that make `train` and `test`."""
        roles, keys, rows = self.draft.roles, self.draft.keys, self.draft.rows
        assert self.train is not None
        if rows.pictures is not None:
            return self._read_pictures()
        self._need("kit.rows", "tables")
        lines = [f"train = {self._table(self.train, keys.train)}"]
        if roles.labels is not None:
            lines.append(f"labels = {self._table(roles.labels, keys.train)}")
            lines.append(self._join("train", "labels", keys.train or (), roles.labels))
        if self.test is None:
            lines += self._test_among_train()
        else:
            lines.append(f"test = {self._table(self.test, keys.test)}")
            if keys.gathered:
                lines += self._gathered()
            if keys.subset:
                sample = self._table(self.sample, keys.sample)
                lines.append(f"test = test[test[{_name(keys.test, 'ID', keys.sample)}].isin({sample}[ID])]")
        for number, join in enumerate(rows.joins):
            name = f"more_{number + 1}" if len(rows.joins) > 1 else "more"
            on = _spelled(join.on[0]) if len(join.on) == 1 else _list(join.on)
            if join.of_test:
                lines.append(f"train = tables.joined(train, {self._further(join, join.table, on)}, {on})")
                lines.append(f"test = tables.joined(test, {self._further(join, join.of_test, on)}, {on})")
                continue
            lines.append(f"{name} = {self._further(join, join.table, on)}")
            lines.append(f"train, test = (tables.joined(rows, {name}, {on}) for rows in (train, test))")
        return lines

    def _further(self, join: Join, file: str, on: str) -> str:
        """The expression that reads a further table."""
        text = [name for name in join.on if name in self.draft.keys.sample and self.draft.keys.text]
        named = f", text=({', '.join(map(self._reference, text))},)" if text else ""
        table = f'tables.read(public / "{file}"{named})'
        if not join.gathered:
            return table
        stem = join.table.rpartition("/")[2].partition(".")[0].replace("train_", "")
        return f'tables.gathered({table}, {on}, "{stem}")'

    def _gathered(self) -> list[str]:
        """Lines that make one row of the rows of each key, and its first target."""
        late = [name for name in self.draft.wanted.left_out if self.train and name in self.train.columns]
        drop = f"[{', '.join([self._source(), *map(_spelled, late)])}]"
        return [
            f"targets = train.groupby(ID)[{self._source()}].first()",
            f'train = tables.gathered(train.drop(columns={drop}), ID, "rows")',
            'test = tables.gathered(test, ID, "rows")',
            f"train[{self._source()}] = train[ID].map(targets)",
        ]

    def _table(self, table: Table | None, keys: Sequence[str]) -> str:
        """The expression that reads a table, with what must be read as it is spelled."""
        assert table is not None
        text = [name for name in keys if self.draft.keys.text and name in table.columns]
        if self.draft.wanted.spelled:
            text += [name for name in self.draft.wanted.source if name in table.columns]
        named = ", ".join(self._reference(name) for name in text)
        more = f", text=({named}{',' if len(text) == 1 else ''})" if text else ""
        if table.parts:
            of = "TEST" if table is self.test else "TRAIN"
            self.constants.append(f"{of} = {_tuple(table.files)}")
            return f"tables.stacked([public / name for name in {of}]{more})"
        return f'tables.read(public / "{table.name}"{more})'

    def _reference(self, name: str) -> str:
        """A column by the constant that names it, where there is one."""
        keys, wanted = self.draft.keys, self.draft.wanted
        if keys.sample == (name,):
            return "ID"
        if wanted.columns == (name,) and wanted.source == (name,):
            return "TARGET"
        if wanted.source == (name,) and wanted.source != wanted.columns:
            return "SOURCE"
        return _spelled(name)

    def _join(self, left: str, right: str, keys: Sequence[str], table: Table) -> str:
        if keys:
            on = self._reference(keys[0]) if len(keys) == 1 else _list(keys)
            return f"{left} = tables.joined({right}, {left}, {on})"
        return f"{left}[{self._source()}] = {right}.iloc[:, 0].to_numpy()  # both are in the same order"

    def _test_among_train(self) -> list[str]:
        target = f"train[{self._source()}]"
        self.constants.append("# Test rows are those without a target, in the same table.")
        empty = f"{target}.isna()" if len(self.draft.wanted.source) == 1 else f"{target}.isna().any(axis=1)"
        return [f"empty = {empty}", "train, test = train[~empty], train[empty]"]

    def _read_pictures(self) -> list[str]:
        rows, keys = self.draft.rows, self.draft.keys
        assert rows.pictures is not None and self.train is not None
        self._need("kit.rows", "pictures", "tables")
        lines = []
        if rows.pictures.classes:
            lines.append(f'images, names, labels = pictures.listed(public / "{rows.pictures.train}")')
        else:
            lines.append(f"train = {self._table(self.draft.roles.labels or self.train, (rows.pictures.column,))}")
        table = self.test or self.sample
        lines.append(f"test = {self._table(table, keys.test if self.test else keys.sample)}")
        return lines

    # --- y

    def _source(self) -> str:
        wanted = self.draft.wanted
        return "TARGET" if wanted.source == wanted.columns else "SOURCE"

    def _targets(self) -> list[str]:
        """Lines that make `y`, and take out rows without one."""
        wanted, rows = self.draft.wanted, self.draft.rows
        lines = []
        source = self._source()
        if rows.pictures is not None and rows.pictures.classes:
            return ["y = labels"]
        if wanted.missing and self.test is not None:
            subset = f"[{source}]" if len(wanted.source) == 1 else f"list({source})"
            lines.append(f"train = train.dropna(subset={subset})  # {wanted.missing:,} rows have no target")
        if self._reads_rows():
            return lines
        value, mark = self._value("train")
        return [*lines, f"y = {value}{mark}"]

    def _answers(self) -> list[str]:
        """The function that makes `y` of a table, where new rows are read too and may hold answers."""
        if not self._reads_rows():
            return []
        self._need("numpy", "np")
        value, mark = self._value("table")
        says = '    """`y` of a table that has the target."""'
        return ["def answers(table) -> np.ndarray:", says, f"    return {value}{mark}", "", ""]

    def _value(self, table: str) -> tuple[str, str]:
        """The expression that makes `y` of the table of that name, and a mark where it is guessed."""
        wanted, source = self.draft.wanted, self._source()
        several = len(wanted.source) > 1
        column = f"{table}[list({source})]" if several else f"{table}[{source}]"
        if wanted.kind == "numbers":
            return self._cast(column, "np.float64")
        if wanted.kind == "flags":
            return self._cast(column, "np.int64")
        if self._by_columns() and several:
            return f"{column}.idxmax(axis=1).to_numpy(str)", ""
        if self._by_columns():
            spelled = f'"{wanted.before}" + {self._as_text(column)}' if wanted.before else self._as_text(column)
            return f"({spelled}{f' + {_spelled(wanted.after)}' if wanted.after else ''}).to_numpy(str)", ""
        if wanted.kind == "text":
            return f'{column}.fillna("").to_numpy(str)', ""
        labels = wanted.labels
        if self._positive():
            if labels == (0, 1):
                return self._cast(column, "np.int64")
            sure = str(labels[1]).lower() in ("1", "true", "yes", "y") or all(not isinstance(e, str) for e in labels)
            mark = "" if sure else f"  # GUESSED: {labels[1]} is what happened, {labels[0]} is what did not"
            self._need("kit.task", "outputs")
            return f"outputs.index({column}.to_numpy(), LABELS)", mark
        if all(isinstance(label, bool) for label in labels):
            return f"{column}.to_numpy(bool)", ""
        if all(isinstance(label, int) for label in labels):
            return self._cast(column, "np.int64")
        return f"{column}.to_numpy(str)", ""

    def _cast(self, column: str, dtype: str) -> tuple[str, str]:
        """A column as numbers of a dtype of NumPy."""
        self._need("numpy", "np")
        return f"{column}.to_numpy({dtype})", ""

    def _as_text(self, column: str) -> str:
        """A column of classes as texts without `.0`."""
        table = self.draft.roles.labels or self.train
        assert table is not None
        values = table.head[self.draft.wanted.source[0]]
        return f"{column}.astype(int).astype(str)" if values.dtype.kind == "f" else f"{column}.astype(str)"

    def _positive(self) -> bool:
        """Whether one column asks for the probability of the second of two labels."""
        wanted = self.draft.wanted
        return wanted.kind == "labels" and len(wanted.columns) == 1 and wanted.probable and len(wanted.labels) == 2

    # --- Data

    def _data(self) -> list[str]:
        rows, keys, split = self.draft.rows, self.draft.keys, self.draft.splitting
        self._need("kit.task", "ids")
        if rows.pictures is not None:
            return self._data_of_pictures()
        shared = "test.columns if name in train.columns" if self.test is not None else "train.columns"
        out = self._left_out()
        lines = []
        if out:
            word = "and" if self.test is not None else "if"
            lines.append(f"columns = [name for name in {shared} {word} name {out}]")
        else:
            lines.append(f"columns = [name for name in {shared}]" if self.test is not None else "columns = list(train)")
        own = self._train_ids(keys)
        y = "answers(train)" if self._reads_rows() else "y"
        lines += self._rows([own, "train[columns]", y], split)
        lines.append(f"return rows, Data({self._test_ids(keys)}, test[columns])")
        return lines

    def _rows(self, arguments: list[str], split: Splitting) -> list[str]:
        """Lines that make the training rows; what does not fit into one stands before it."""
        lines = []
        for word in self._more(split):
            name, _, value = word.partition("=")
            if len(", ".join([*arguments, word])) > WIDTH - 20:
                lines.append(f"{name} = {value}")
                word = f"{name}={name}"
            arguments.append(word)
        return [*lines, f"rows = Data({', '.join(arguments)})"]

    def _more(self, split: Splitting) -> list[str]:
        """Groups, times and weights of the training rows."""
        more = []
        if split.group:
            column = f"train[{self._reference(split.group)}]"
            if split.daily:
                self._need("kit.rows", "dates")
                text = f'dates.read({column}, "{split.form}").dt.date.astype(str)'
            elif split.before:
                text = f'{column}.str.rpartition("{split.before}")[0]'
            else:
                text = f"{column}.astype(str)"
            more.append(f"group={text}.to_numpy(str)")
        if split.time:
            column = f"train[{self._reference(split.time)}]"
            if split.form:
                self._need("kit.rows", "dates")
                column = f'dates.read({column}, "{split.form}")'
            more.append(f"time={column}.to_numpy()")
        if self.draft.weight:
            more.append(f"weight=train[{_spelled(self.draft.weight)}].to_numpy(float)")
        return more

    def _left_out(self) -> str:
        """What a column's name must not be to be a feature, such as `!= ID`; empty where there is no such name."""
        roles, keys, wanted, rows = self.draft.roles, self.draft.keys, self.draft.wanted, self.draft.rows
        assert self.train is not None
        tables = [*self.train.columns, *(roles.labels.columns if roles.labels else ())]
        shared = [name for name in dict.fromkeys(tables) if self.test is None or name in self.test.columns]
        out = [name for name in shared if name not in rows.columns]
        out += [name for name in (self.test.without if self.test else ()) if name in self.train.columns]
        if not out:
            return ""
        if set(out) == {*keys.sample} | {*wanted.source} and len(keys.sample) == 1:
            star = "*" if len(wanted.source) > 1 else ""
            return f"not in (ID, {star}{self._source()})"
        inner = ", ".join(self._reference(name) for name in out)
        return f"!= {inner}" if len(out) == 1 else f"not in ({inner})"

    def _train_ids(self, keys: Keys) -> str:
        if not keys.train:
            self._need("numpy", "np")
            return "np.arange(len(train))"
        return f"ids.of({', '.join(f'train[{self._reference(name)}]' for name in keys.train)})"

    def _test_ids(self, keys: Keys) -> str:
        if self.test is None and keys.train and not self.draft.rows.pictures:
            return f"ids.of({', '.join(f'test[{self._reference(name)}]' for name in keys.train)})"
        if keys.test:
            repeats = ", repeats=True" if keys.repeats else ""
            return f"ids.of({', '.join(f'test[{self._reference(name)}]' for name in keys.test)}{repeats})"
        if keys.made:
            assert self.test is not None
            return f'ids.of(tables.spelled(public / "{self.test.name}", {_tuple(keys.made)}, "{keys.between}"))'
        if self.sample is None:
            self._need("numpy", "np")
            return "np.arange(len(test))"
        return f"ids.of({self._table(self.sample, keys.sample)}[ID])"

    def _data_of_pictures(self) -> list[str]:
        rows, keys, split = self.draft.rows, self.draft.keys, self.draft.splitting
        assert rows.pictures is not None
        files = f'pictures.of(public / "{rows.pictures.test}", test[{self._reference((keys.test or keys.sample)[0])}])'
        column = self._reference((keys.test or keys.sample)[0])
        if rows.pictures.classes:
            lines = ["rows = Data(names, images, y)"]
        else:
            own = f'pictures.of(public / "{rows.pictures.train}", train[{self._reference(rows.pictures.column)}])'
            lines = [f"images = {own}", *self._rows([self._train_ids(keys), "images", "y"], split)]
        return [*lines, f"return rows, Data(ids.of(test[{column}]), {files})"]

    # --- competition

    def _competition(self) -> list[str]:
        draft = self.draft
        self._need("kit.task", "metrics", "splits")
        scored, split = draft.scored, draft.splitting
        metric = f'    metric=metrics.named("{scored.short}"),'
        if not scored.sure:
            others = f"; likely too: {', '.join(scored.others)}" if scored.others else ""
            metric += f"  # GUESSED{others}"
        kind = [f'    kind="{draft.rows.kind}",'] if draft.rows.kind != "table" else []
        assert self.sample is not None
        return [
            "competition = Competition(",
            f"    source={self._source_of_files()},",
            "    load=load,",
            *self._prepare(),
            f"    split={split.split},  # {split.why}",
            metric,
            *self._submission(),
            f'    default="{draft.default}",',
            *kind,
            *self._rows_of_files(),
            ")",
        ]

    def _rows_of_files(self) -> list[str]:
        """How new rows are read, where all that a row is stands in one table."""
        if not self._reads_rows():
            return []
        self._need("kit.task", "newcomers")
        keys, wanted = self.draft.keys, self.draft.wanted
        named = [self._reference(name) for name in keys.test]
        spelled = [*(named if keys.text else ()), *map(self._reference, wanted.source if wanted.spelled else ())]
        arguments = [*named, f"text=({', '.join(spelled)},)"] if spelled else named
        source = self._source() if len(wanted.source) > 1 else f"({self._source()},)"
        arguments.append(f"answers=({source}, answers)")
        if wanted.source != wanted.columns:
            arguments.append("graded=TARGET" if len(wanted.columns) > 1 else "graded=(TARGET,)")
        if self.draft.weight:
            arguments.append(f"weight={_spelled(self.draft.weight)}")
        one = self.test is not None and not self.test.parts and not keys.subset
        test = self.test.name if one and self.test else ""
        other = [] if test == "test.csv" else [f"    test={_spelled(test)},"]
        return [f"    rows=newcomers.reader({', '.join(arguments)}),", *other]

    def _reads_rows(self) -> bool:
        """Whether all that a row is stands in one table, so that new rows can be read from a file of its form."""
        rows, keys = self.draft.rows, self.draft.keys
        more = rows.kind == "image" or rows.joins or keys.gathered or keys.repeats
        return not more and not (keys.sample and not keys.test)

    def _source_of_files(self) -> str:
        """Where the files come from; which they are is a constant."""
        roles, rows = self.draft.roles, self.draft.rows
        used = [table for table in (roles.train, roles.test, roles.sample, roles.labels) if table]
        tables = [name for table in used for name in table.files]
        names = dict.fromkeys(self.ready.raw or [*tables, *(name for join in rows.joins for name in join.files)])
        for folder in (rows.pictures.train, rows.pictures.test) if rows.pictures and not self.ready.raw else ():
            names.pop(folder, None)
            names[folder if folder.endswith(".zip") else f"{folder}/"] = None
        self.constants.insert(0, f"FILES = {_tuple(names)}")
        return f"{self.source.expression(self.name)}, dict.fromkeys(FILES))"

    def _prepare(self) -> list[str]:
        if not self.ready.prepare:
            return []
        self._need("functools", "partial")
        self._need("kit.rows", "preparing")
        return [f"    prepare={self.ready.prepare},"]

    def _submission(self) -> list[str]:
        keys = self.draft.keys
        assert self.sample is not None
        arguments = ["ID", "TARGET", *self._decide()]
        if self.sample.name != "sample_submission.csv":
            arguments.append(f"sample={_spelled(self.sample.name)}")
        if keys.repeats:
            arguments.append("repeats=True")
        line = f"    submission=Submission({', '.join(arguments)}),"
        if len(line) <= WIDTH:
            return [line]
        within = [""]
        for each in arguments:
            if len(within[-1]) + len(each) + 2 > WIDTH - 8 + 1:  # the last comma of all goes
                within.append("")
            within[-1] += f"{' ' if within[-1] else ''}{each},"
        within[-1] = within[-1].removesuffix(",")
        return ["    submission=Submission(", *(f"        {line}" for line in within), "    ),"]

    def _decide(self) -> list[str]:
        """What turns predictions into the file's values, and what these are."""
        wanted, metric = self.draft.wanted, self.draft.scored.metric
        if wanted.kind == "guesses":
            self._need("functools", "partial")
            self._need("kit.task", "outputs")
            self._need("kit.task.targets", "Text")
            separator = "" if wanted.separator == " " else f', separator="{wanted.separator}"'
            return [
                f"decide=partial(outputs.guesses, values=LABELS, count={wanted.most})",
                f"holds=Text({wanted.most}, among=LABELS{separator})",
            ]
        if wanted.kind == "labels" and not self._by_columns() and not self._positive():
            self._need("kit.task.targets", "Labels")
            if metric.names[0] == "f1" or guess.are_numbers(wanted, self.draft.scored):
                self._need("kit.task", "decisions")
                kind = "Threshold" if metric.names[0] == "f1" else "Cuts"
                return [f"decide=decisions.{kind}(labels=LABELS)", "holds=Labels(LABELS)"]
            self._need("functools", "partial")
            self._need("kit.task", "outputs")
            return ["decide=partial(outputs.labels, values=LABELS)", "holds=Labels(LABELS)"]
        if self._positive():
            self._need("kit.task", "outputs")
            return ["decide=outputs.positive"]
        if wanted.kind == "flags" and metric.predictions == "labels":
            self._need("numpy", "np")
            return ["decide=lambda pred: (pred >= 0.5).astype(np.int64)"]
        self._need("kit.task.contract", "everything")
        if wanted.kind == "numbers":
            self._need("kit.task.targets", "Numbers")
            return ["decide=everything", "holds=Numbers(whole=False)"]
        if wanted.kind == "text":
            self._need("kit.task.targets", "Text")
            return ["decide=everything", "holds=Text()"]
        return ["decide=everything"]

    def _imports(self) -> list[str]:
        """Import lines: the standard library, NumPy, kit, and the competition's own files."""
        groups: list[list[str]] = [[], [], [], []]
        for module, names in sorted(self.imports.items()):
            if module == "numpy":
                groups[1].append("import numpy as np")
                continue
            place = 3 if module.startswith(".") else 2 if module.startswith("kit") else 0
            groups[place].append(f"from {module} import {', '.join(sorted(names, key=_import_order))}")
        lines: list[str] = []
        for group in groups:
            lines += ["", *group] if lines and group else group
        return lines


def _import_order(name: str) -> tuple[bool, str]:
    return (not name[0].isupper(), name)


def _spelled(value: Any) -> str:
    """A value as Python writes it, texts in double quotes."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return repr(value)


def _tuple(values: Iterable[Any]) -> str:
    """A tuple, over several lines where it is long."""
    parts = [f"{_spelled(value)}," for value in values]
    line = f"({' '.join(parts)[: None if len(parts) == 1 else -1]})"
    if len(line) <= WIDTH - 20:
        return line
    lines = ["   "]
    for part in parts:
        if len(lines[-1]) + 1 + len(part) > WIDTH:
            lines.append("   ")
        lines[-1] += f" {part}"
    return "\n".join(["(", *lines, ")"])


def _list(values: Iterable[Any]) -> str:
    return f"[{', '.join(_spelled(value) for value in values)}]"


def _name(columns: Sequence[str], constant: str, known: Sequence[str]) -> str:
    return constant if tuple(columns) == tuple(known) else _spelled(columns[0])
