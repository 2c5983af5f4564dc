// `npm run wire`: generates the code that encodes and decodes etcd's messages from src/backends/etcd/wire/http2/proto/etcd.proto.
// Owns the options of the generator. test/backends/etcd/messages.test.ts checks that the generated file is up to date.
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
  // Node finds no named exports in this CommonJS module, and no file without its extension.
  const imported = String(code).replace(
    'import * as $protobuf from "protobufjs/minimal";',
    'import $protobuf from "protobufjs/minimal.js";',
  )
  return `// @ts-nocheck\n// Generated from etcd.proto by \`npm run wire\`; do not edit.\n${imported.replace(/^\s*\n/, '')}`
}

if (process.argv[1] === import.meta.filename) writeFileSync(`${folder}/messages.js`, await generated())
