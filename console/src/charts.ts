import {at} from './dom'

/** Shows the numbers of a chart at the pointer. They come from the chart's table. */
export function charts(): void {
  document.addEventListener('pointermove', event => {
    const shapes = at<SVGSVGElement>(event, '.chart .shapes')
    for (const other of document.querySelectorAll('.cursor')) if (!shapes?.contains(other)) clear(other)
    if (shapes) point(shapes, event.clientX)
  }, {passive: true})
}

function point(shapes: SVGSVGElement, x: number): void {
  const chart = shapes.closest('.chart')
  const rows = [...(chart?.querySelectorAll<HTMLTableRowElement>('.numbers tbody tr') ?? [])]
  const box = shapes.getBoundingClientRect()
  const row = rows[Math.min(Math.max(Math.floor((x - box.left) / box.width * rows.length), 0), rows.length - 1)]
  const output = chart?.querySelector('.point')
  if (!row || !output) return
  const names = [...(chart?.querySelectorAll('.numbers thead th') ?? [])].map(cell => cell.textContent)
  const texts = [...row.cells].map((cell, i) => (i && row.cells.length > 2 ? `${names[i]} ` : '') + (cell.textContent ?? ''))
  output.textContent = texts.join(' · ')
  const line = shapes.querySelector('.cursor') ?? shapes.appendChild(document.createElementNS(shapes.namespaceURI ?? '', 'path'))
  line.setAttribute('class', 'cursor')
  line.setAttribute('d', `M${(rows.indexOf(row) + 0.5) * 1000 / rows.length} 0V180`)
}

function clear(cursor: Element): void {
  const output = cursor.closest('.chart')?.querySelector('.point')
  if (output) output.textContent = ''
  cursor.remove()
}
