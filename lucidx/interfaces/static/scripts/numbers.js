// Numbers as rows of bars.

function makeNumbers(body, rowsNow, most, both) {
  const list = h("div.effects");
  body.append(list);
  return () =>
    list.replaceChildren(
      ...rowsNow().map(([who, value, shown, current]) =>
        h(
          `span.effect${current ? ".now" : ""}`,
          {},
          h("span.who", {}, ...who),
          bar(value, most, both),
          h("span.value", {}, shown),
        ),
      ),
    );
}

function makeTotal(panel, body) {
  const most = largest(panel.totals);
  return makeNumbers(
    body,
    () => {
      if (panel.by !== "difference")
        return panel.totals.map((x, k) => [[text(className(k))], x, signed(x), k === now("cls")]);
      const [a, b] = pinned.pair;
      const net = panel.totals[a] - panel.totals[b];
      return [
        ...[a, b].map((k) => [
          [text(className(k))],
          panel.totals[k],
          signed(panel.totals[k]),
          false,
        ]),
        [["Net, for ", text(className(a))], net, signed(net), true],
      ];
    },
    most,
    true,
  );
}

const makeAnswer = (panel, body) =>
  makeNumbers(
    body,
    () =>
      page.classes.map((c, k) => [
        [text(c.label)],
        c.probability,
        percent(c.probability),
        k === now("cls"),
      ]),
    1,
    false,
  );
