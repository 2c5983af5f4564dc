// Moves the bundle and the check out of reach of node_modules.
import { cpSync } from 'node:fs'

cpSync('bundle/esm.mjs', '../moved/esm.mjs')
