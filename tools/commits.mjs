// The rule for commit messages: a subject of at most 72 characters that says what changed, a blank line, and a body
// that says why. Owns the rule, and the time from which it applies.
// @ts-check
import { execFileSync } from 'node:child_process'

/** Older commits were made before the rule. */
const since = '2026-11-27T07:30:00Z'

const subjectMost = 72

/**
 * The faults of a commit message; an empty list if it has none.
 * @param {string} message
 * @returns {string[]}
 */
export function faultsOf(message) {
  const [subject = '', second = '', ...body] = message.trimEnd().split('\n')
  const faults = []
  if (subject.trim() === '') faults.push('the subject is empty')
  if (subject.length > subjectMost) {
    faults.push(`the subject has ${subject.length} characters; at most ${subjectMost} are allowed`)
  }
  if (subject.endsWith('.')) faults.push('the subject ends with a full stop')
  if (second.trim() !== '') faults.push('the line after the subject is not blank')
  if (body.join('').trim() === '') faults.push('there is no body that says why')
  return faults
}

/** Throws an error that names each commit which breaks the rule. Does nothing outside of a git checkout of this project. */
export function checkCommits() {
  const broken = messages().flatMap(({ commit, message }) =>
    faultsOf(message).map((fault) => `${commit} ${message.split('\n')[0]}\n  ${fault}`),
  )
  if (broken.length === 0) return
  throw new Error(
    `Commit messages (see CONTRIBUTING.md; git commit --amend, or git rebase):\n${broken.join('\n')}`,
  )
}

/**
 * The commits that the rule applies to. None if git or its history is missing. A shallow clone shows only its last
 * one.
 */
function messages() {
  try {
    if (git('rev-parse', '--show-prefix').trim() !== '') return [] // a copy inside of another project
    return git('log', '--no-merges', `--since-as-filter=${since}`, '--format=%h%n%B%x00')
      .split('\0')
      .map((text) => text.trimStart())
      .filter((text) => text !== '')
      .map((text) => ({
        commit: text.slice(0, text.indexOf('\n')),
        message: text.slice(text.indexOf('\n') + 1),
      }))
  } catch {
    return []
  }
}

/** @param {readonly string[]} args */
function git(...args) {
  return execFileSync('git', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 26,
  })
}
