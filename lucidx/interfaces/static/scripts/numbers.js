// Numbers as rows of bars.

function makeNumbers(body, rowsNow, most, both) {
  const list = h("div.effects");
  body.append(list);
  return () =>
    list.replaceChildren(
      ...rowsNow().map(([who, value, shown, current]) =>
        value === null
          ? h("h3", {}, ...who)
          : h(
              `span.effect${current ? ".now" : ""}`,
              {},
              h("span.who", {}, ...who),
              bar(value, most, both),
              h("span.value", {}, shown),
            ),
      ),
    );
}

/** A sum of each class: the score without a layer, and what the layer added to it. */
function makeTotal(panel, body) {
  const scores = page.classes.map((c) => c.score),
    most = largest([...panel.totals, ...panel.without, ...scores]);
  const [nothing, all] =
    panel.layer === "input" ? ["a black photo", "the photo"] : ["without this layer", "this layer"];
  const sum = (who, of) => {
    const missed = of(panel.missed);
    return [
      [who, null],
      [[nothing], of(panel.without), format(of(panel.without))],
      [[all], of(panel.totals), signed(of(panel.totals))],
      ...(Math.abs(missed) > 0.005 * most ? [[["missed"], missed, signed(missed)]] : []),
      [["score"], of(scores), format(of(scores)), true],
    ];
  };
  const ofClass = (k) => sum([text(className(k))], (values) => values[k]);
  return makeNumbers(
    body,
    () => {
      if (panel.by !== "difference") return page.classes.flatMap((_, k) => ofClass(k));
      const [a, b] = pinned.pair;
      const between = [text(className(a)), " minus ", text(className(b))];
      return [...ofClass(a), ...ofClass(b), ...sum(between, (values) => values[a] - values[b])];
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
