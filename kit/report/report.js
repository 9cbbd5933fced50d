"use strict";
// Sorting, filtering and opening of what a link points at. Without it the page shows the same, in the order of the best.
(() => {
  const island = JSON.parse(document.getElementById("data").textContent);
  for (const article of document.querySelectorAll("article")) {
    if (article.querySelector(".runs")) live(article, island[article.dataset.at]);
  }

  // `columns` holds the numbers of the runs, a list for each column, in the order of the rows as they stand.
  function live(article, columns) {
    const body = article.querySelector(".runs tbody");
    const rows = [...body.rows];
    const form = article.querySelector(".filter");
    const status = form.querySelector("[role=status]");
    const heads = [...article.querySelectorAll(".runs th[data-key]")];
    const texts = rows.map((row) => row.textContent.toLowerCase());

    for (const head of heads) {
      const label = head.querySelector("span");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label.textContent;
      label.replaceWith(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const up = head.ariaSort === "none" ? rises(head.dataset.key) : head.ariaSort !== "ascending";
        for (const other of heads) other.ariaSort = "none";
        head.ariaSort = up ? "ascending" : "descending";
        sort(head.dataset.key, up);
      });
    }
    form.hidden = false;
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    filter();

    // The first click puts the best or the newest on top.
    function rises(key) {
      if (["cv", "public", "private"].includes(key)) return !columns.higher;
      return !["finished", "p", "gap"].includes(key);
    }

    function sort(key, up) {
      const values = columns[key];
      const order = rows.map((_, at) => at).sort((one, other) => {
        const a = values[one], b = values[other];
        if (a === null || b === null) return (a === null) - (b === null) || one - other;
        const less = typeof a === "string" ? a.localeCompare(b) : a - b;
        return (up ? less : -less) || one - other;
      });
      body.append(...order.map((at) => rows[at]));
    }

    function filter() {
      const words = form.find.value.toLowerCase().split(/\s+/).filter(Boolean);
      const which = form.which.value;
      const met = new Set();
      let shown = 0;
      rows.forEach((row, at) => {
        // Rows stand in the order of the best, so that the first of a recipe is its best.
        const first = columns.compared[at] && !met.has(columns.recipe[at]);
        if (first) met.add(columns.recipe[at]);
        const asked = which === "all" || (which === "compared" ? columns.compared[at] : first);
        row.hidden = !(asked && words.every((word) => texts[at].includes(word)));
        shown += !row.hidden;
      });
      status.textContent = `${shown} of ${rows.length} runs`;
    }
  }

  function reveal() {
    const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const closed = wanted?.closest("details");
    if (closed) {
      closed.open = true;
      wanted.scrollIntoView();
      closed.querySelector("summary").focus({preventScroll: true});
    }
  }
  addEventListener("hashchange", reveal);
  reveal();

  // On paper nothing can be opened.
  const opened = new Set();
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) {
      one.open = true;
      opened.add(one);
    }
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
    opened.clear();
  });
})();
