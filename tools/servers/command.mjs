// @ts-check
// Runs one program to its end and returns its output. Owns nothing that outlives the call: long-running servers belong
// to member.mjs.

import { spawn } from 'node:child_process'

/** @typedef {{ stdout: string, stderr: string, code: number }} Output */
/**
 * @typedef {object} CommandOptions
 * @property {string | undefined} [cwd]
 * @property {NodeJS.ProcessEnv | undefined} [env] all of it; default: that of this process
 * @property {string | undefined} [input] text for standard input, which is closed after it
 * @property {number | undefined} [timeoutMs] after this the program gets SIGKILL; default: none
 */

/**
 * Runs `file` and resolves with its output and exit code; a program that a signal ended has code 128. Rejects only if
 * the program cannot be started.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<Output>}
 */
export function runCommand(file, args, { cwd, env = process.env, input = '', timeoutMs } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, timeout: timeoutMs, killSignal: 'SIGKILL' })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ stdout, stderr, code: code ?? 128 }))
    // Without this, a program that ends without reading its input would crash this process with EPIPE.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}

/**
 * As `runCommand`, but rejects on a failing exit code, with the end of the program's output.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<Output>}
 */
export async function requireCommand(file, args, options) {
  const output = await runCommand(file, args, options)
  if (output.code === 0) return output
  const said = (output.stderr || output.stdout).trim().split('\n').slice(-6).join('\n')
  throw new Error(`${file} ${args.at(-1) ?? ''} failed with code ${output.code}: ${said}`)
}

/**
 * The environment without the variables that configure these programs for the machine's owner: the owner's
 * ETCDCTL_ENDPOINTS or CONSUL_HTTP_TOKEN must not reach servers under test.
 *
 * @param {NodeJS.ProcessEnv} extra
 * @returns {NodeJS.ProcessEnv}
 */
export function cleanEnvironment(extra = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(ETCD|CONSUL)/.test(name))
  return { ...Object.fromEntries(kept), ...extra }
}
