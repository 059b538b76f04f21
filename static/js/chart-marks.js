// Marks on a chart: what was bought, sold and decided, and where orders wait. The words come with the marks; [data-marks] says from where.
const SHAPES = {
  buy: { shape: "arrowUp", position: "belowBar", colour: "color-rise" },
  sell: { shape: "arrowDown", position: "aboveBar", colour: "color-fall" },
  decision: { shape: "circle", position: "aboveBar", colour: "text-muted", quiet: true },
  blocked: { shape: "square", position: "aboveBar", colour: "color-bad" },
}
const PAUSE = 2000 // a plan changes on many bars at once when the market runs fast
const CROWD = 8 // more words than this lie over one another

// The bar an instant lies in; marks before the first bar are not on this chart.
const placed = (marks, bars) => {
  const found = []
  let at = -1
  for (const mark of marks) {
    while (at + 1 < bars.length && bars[at + 1].time <= mark.time) at += 1
    if (at >= 0) found.push({ ...mark, time: bars[at].time })
  }
  return found
}

export const marksOn = (frame) => {
  const plugin = frame.library.createSeriesMarkers(frame.candles)
  let marks = []
  let waiting = []
  let lines = []
  const draw = () => {
    const isCrowded = marks.length > CROWD
    plugin.setMarkers(placed(marks, frame.bars).map(({ time, kind, text }) => {
      const { shape, position, colour, quiet } = SHAPES[kind]
      return { time, shape, position, color: frame.palette[colour], text: quiet || isCrowded ? "" : text, size: quiet ? .5 : 1 }
    }))
    lines.forEach((line) => frame.candles.removePriceLine(line))
    lines = waiting.map(({ price, side, text }) => frame.candles.createPriceLine({
      price, title: text, color: frame.palette[side === "buy" ? "color-rise" : "color-fall"], lineWidth: 1, lineStyle: frame.library.LineStyle.Dashed, axisLabelVisible: true,
    }))
  }
  const show = (found) => {
    marks = found.marks
    waiting = found.waiting ?? []
    draw()
  }
  frame.repaints.push(draw)
  return { draw, show }
}

// Asked for again whenever a plan or an order of the person changes.
export const keepMarks = (url, marks) => {
  let due
  const load = async () => {
    due = undefined
    const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => undefined)
    if (answer?.ok) marks.show(await answer.json()) // else the next change, or the next visit, asks again
  }
  for (const hint of ["plan-changed", "order-changed"]) document.body.addEventListener(hint, () => { due ??= setTimeout(load, PAUSE) })
  load()
}
