// The files of the page: HTML, CSS and modules of JavaScript as they lie in the folder page/. Owns which paths there are, so
// that no path of a request ever reaches the file system.
import { readFileSync } from 'node:fs'

/** A file, as HTTP sends it. */
export interface Asset {
  readonly type: string
  readonly body: Buffer
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

const files = [
  'index.html',
  'style.css',
  'icon.svg',
  'app.mjs',
  'break.mjs',
  'changes.mjs',
  'chart.mjs',
  'dom.mjs',
  'model.mjs',
  'tables.mjs',
  'timeline.mjs',
]

/** All files by their paths, read once. Throws the error of the system if one is missing. */
export function readAssets(): ReadonlyMap<string, Asset> {
  // The bundle lies one folder higher than this file, next to a copy of page/: tools/bundle.mjs makes both.
  const folder = new URL('page/', import.meta.url)
  return new Map(
    files.map((name) => {
      const type = types[name.replace(/^.*\./, '')] ?? 'application/octet-stream'
      return [name === 'index.html' ? '/' : `/${name}`, { type, body: readFileSync(new URL(name, folder)) }]
    }),
  )
}
