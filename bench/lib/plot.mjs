// @ts-check
// The plot of series against their sizes, both in logarithms, as an SVG drawn by Vega. Owns what is plotted; Vega is a
// package of developers, and is loaded only here.

/** @typedef {import('./growth.mjs').Series} Series */

const plotted =
  /^(hand-over, other holds|bytes of a cycle, permits|requests of a change, observers|a connect next to sessions)$/

/** The plot, where each line begins at 1. @param {readonly Series[]} all @returns {Promise<string>} an SVG */
export async function plotOf(all) {
  const specifier = 'vega' // a string, since a checkout without it can run all other benches
  const { View, parse } = await import(specifier)
  return new View(parse(specOf(all)), { renderer: 'none' }).toSVG()
}

/** @param {readonly Series[]} all */
function specOf(all) {
  const values = all
    .filter(({ what }) => plotted.test(what))
    .flatMap(({ store, what, points }) => {
      const first = points[0]?.value || 1
      const known = points.flatMap(({ size, value }) => (value ? [{ size, times: value / first }] : []))
      return known.map((point) => ({ ...point, line: `${store}: ${what}` }))
    })
  const mark = {
    x: { scale: 'x', field: 'size' },
    y: { scale: 'y', field: 'times' },
    stroke: { scale: 'color', field: 'line' },
  }
  return {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    ...{ width: 480, height: 280, padding: 8, background: 'white' },
    data: [{ name: 'points', values }],
    scales: [
      { name: 'x', type: 'log', range: 'width', domain: { data: 'points', field: 'size' } },
      { name: 'y', type: 'log', range: 'height', nice: true, domain: { data: 'points', field: 'times' } },
      { name: 'color', type: 'ordinal', range: 'category', domain: { data: 'points', field: 'line' } },
    ],
    axes: [
      { scale: 'x', orient: 'bottom', title: 'holds, permits, observers or sessions' },
      { scale: 'y', orient: 'left', title: 'cost, as a multiple of that at the smallest size', grid: true },
    ],
    legends: [{ stroke: 'color', symbolType: 'stroke', labelLimit: 0 }], // 0: whole labels
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'lines', data: 'points', groupby: 'line' } },
        marks: [
          {
            type: 'line',
            from: { data: 'lines' },
            encode: { enter: { ...mark, strokeWidth: { value: 2 } } },
          },
        ],
      },
    ],
  }
}
