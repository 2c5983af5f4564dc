// `npm run wire`: generates the code that encodes and decodes etcd's messages from src/backends/etcd/wire/http2/proto/etcd.proto.
// Owns the options of the generator. A test checks that the generated file is up to date.
// @ts-check
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import pbjs from 'protobufjs-cli/pbjs.js'

const folder = 'src/backends/etcd/wire/http2/proto'

/** The generated module, as text. */
export async function generated() {
  const flags = ['create', 'verify', 'convert', 'delimited', 'typeurl', 'comments', 'service'].map(
    (name) => `--no-${name}`,
  )
  const target = ['--target', 'static-module', '--wrap', 'es6', '--root', 'leasehold-etcd', '--lint', '']
  const code = await promisify(pbjs.main)([...target, '--keep-case', ...flags, `${folder}/etcd.proto`])
  const names = [...String(code).matchAll(/etcdserverpb\.(\w+) = \(function/g)].map(([, name]) => `'${name}'`)
  const typed = String(code)
    .replace(/^\s*\n/, '')
    .replace(/export \{ \$root as default \};\s*$/, '')
    // Node finds no named exports in this CommonJS module, and no file without its extension.
    .replace(
      'import * as $protobuf from "protobufjs/minimal";',
      "import $protobuf from 'protobufjs/minimal.js';",
    )
    .replace(
      'export const etcdserverpb =',
      `${codec}\nexport const etcdserverpb: Record<${names.join(' | ')}, Codec> =`,
    )
  return `// @ts-nocheck\n// Generated from etcd.proto by \`npm run wire\`; do not edit.\n${typed}`
}

/** The type of each message. http2/messages.ts says what goes in and comes out. */
const codec = `/** Encodes and decodes one kind of message. */
export interface Codec {
    encode(message: object): { finish(): Uint8Array };
    decode(bytes: Uint8Array): any;
}
`

if (process.argv[1] === import.meta.filename) writeFileSync(`${folder}/messages.ts`, await generated())
