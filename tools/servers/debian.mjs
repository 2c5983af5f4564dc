// @ts-check
// Takes packages out of Debian without installing them: apt works in a private root, dpkg-deb only unpacks. Owns how
// apt is called; fetch.mjs decides which packages, and where they go.

import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requireCommand } from './command.mjs'

/** @typedef {{ origin: string, keyrings: string[] }} Mirror address of the archive, and its keys */

const ARCHIVE_KEYRINGS = ['gpg', 'pgp'].map(
  (ending) => `/usr/share/keyrings/debian-archive-keyring.${ending}`,
)
const SUITES = /^(bullseye|bookworm|trixie|forky|duke|sid|(old)*stable|testing|unstable)$/
const ENGLISH = { ...process.env, LC_ALL: 'C' }

/**
 * Downloads `packages` of `suite` from the mirror that this machine already uses, and unpacks them into the folder
 * `into`. apt checks them against Debian's keys. `work` gets the private apt root (about 20 MB); the caller removes
 * it. With `without`, the packages that they depend on come too, except those whose names it matches. Rejects if apt, a
 * key, the network or a package is missing. Costs some 20 MB of traffic and three seconds, besides the packages.
 *
 * @param {{ suite: string, packages: readonly string[], into: string, work: string, without?: RegExp }} request
 * @returns {Promise<string[]>} names of the package files, which carry the exact versions
 */
export async function unpackPackages({ suite, packages, into, work, without }) {
  const config = await writePrivateRoot(work, suite, await findMirror())
  const downloads = join(work, 'downloads')
  await mkdir(downloads)
  await aptGet(['-q', '-c', config, 'update'])
  const wanted = without
    ? (await withDependencies(config, packages)).filter((name) => !without.test(name))
    : packages
  await aptGet(['-q', '-c', config, 'download', ...wanted], downloads)
  const files = (await readdir(downloads)).filter((name) => name.endsWith('.deb')).sort()
  for (const file of files) await requireCommand('dpkg-deb', ['-x', join(downloads, file), into])
  return files
}

/**
 * The packages with all that they depend on. The private root has no package, so none is left out as installed.
 *
 * @param {string} config
 * @param {readonly string[]} packages
 */
async function withDependencies(config, packages) {
  const simulate = ['-q', '-c', config, '--no-install-recommends', '--simulate', 'install', ...packages]
  const { stdout } = await aptGet(simulate)
  return [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name)
}

/**
 * @param {string[]} args
 * @param {string} [cwd]
 */
async function aptGet(args, cwd) {
  try {
    return await requireCommand('apt-get', args, { cwd, env: ENGLISH })
  } catch (cause) {
    if (/** @type {NodeJS.ErrnoException} */ (cause).code !== 'ENOENT') throw cause
    throw new Error('this machine has no apt-get', { cause })
  }
}

/** @returns {Promise<Mirror>} */
async function findMirror() {
  const { stdout } = await aptGet(['indextargets', 'Created-By: Packages', 'Component: main'])
  const targets = stdout.trim().split('\n\n').map(parseStanza).filter(isDebianSuite)
  // The origin is known only after an "apt-get update", so a target that has one is preferred.
  const best = targets.find((target) => target.Origin === 'Debian') ?? targets[0]
  if (!best?.['Repo-URI']) throw new Error("this machine's apt has no source of Debian's main")
  const keyrings = [...(await ownKeyrings(best.Sourcesentry)), ...ARCHIVE_KEYRINGS]
  const present = [...new Set(keyrings)].filter((file) => existsSync(file))
  if (present.length === 0) throw new Error('the package debian-archive-keyring is not installed')
  return { origin: best['Repo-URI'], keyrings: present }
}

/**
 * @param {string} text
 * @returns {Record<string, string>}
 */
function parseStanza(text) {
  return Object.fromEntries(text.split('\n').map((line) => splitOnce(line, ': ')))
}

/**
 * @param {string} line
 * @param {string} separator
 */
function splitOnce(line, separator) {
  const at = line.indexOf(separator)
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + separator.length)]
}

/**
 * Suites by whole name leave out -security, -updates and -backports, which lack these packages.
 *
 * @param {Record<string, string>} target
 */
function isDebianSuite({ Release = '', Origin = '' }) {
  return SUITES.test(Release) && (Origin === '' || Origin === 'Debian')
}

/**
 * A mirror that signs with its own key names its keyring next to its address; apt does not report it.
 *
 * @param {string | undefined} entry `file:line` of the source
 */
async function ownKeyrings(entry = '') {
  const text = await readFile(entry.replace(/:\d+$/, ''), 'utf8').catch(() => '')
  const options = text.match(/^[^#\n]*signed-by\s*[:=][^\]\n]*/gim) ?? []
  return options.flatMap((option) => option.match(/\/[^\s,\]]+/g) ?? [])
}

/**
 * @param {string} root
 * @param {string} suite
 * @param {Mirror} mirror
 * @returns {Promise<string>} the configuration file to hand to apt with -c
 */
async function writePrivateRoot(root, suite, { origin, keyrings }) {
  const folders = ['state/lists/partial', 'cache/archives/partial', 'empty']
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true })
  const source = `deb [signed-by=${keyrings.join(',')}] ${origin} ${suite} main\n`
  await writeFile(join(root, 'sources.list'), source)
  await writeFile(join(root, 'status'), '')
  const config = join(root, 'apt.conf')
  await writeFile(config, aptConfig(root))
  return config
}

/**
 * apt reads a file given with -c after the machine's own, so it can undo settings: hooks that would clean the
 * machine's caches, and permissions to skip the signature check. Proxies, passwords and certificates of the machine
 * stay in force.
 *
 * @param {string} root
 */
function aptConfig(root) {
  return `Dir::State "${root}/state";
Dir::State::status "${root}/status";
Dir::Cache "${root}/cache";
Dir::Etc::sourcelist "${root}/sources.list";
Dir::Etc::sourceparts "${root}/empty";
Dir::Etc::preferences "${root}/empty/none";
Dir::Etc::preferencesparts "${root}/empty";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Update::Error-Mode "any";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
APT::Get::AllowUnauthenticated "false";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
${process.getuid?.() === 0 ? SANDBOX_AS_ROOT : ''}`
}

// As root, apt downloads as the user _apt, who cannot write into our folder.
const SANDBOX_AS_ROOT = 'APT::Sandbox::User "root";\n'
