// @ts-check
// A Chromium for the tests of the page: an installed one, else Debian's, unpacked into the cache and never installed. Owns
// which packages it needs, and how it finds its libraries and fonts there.

import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { intoCache, readLabel } from './cache.mjs'
import { ownedFolder } from './children.mjs'
import { runCommand } from './command.mjs'
import { unpackPackages } from './debian.mjs'
import { DEFAULT_CACHE } from './fetch.mjs'

/** @typedef {{ executablePath: string, env: Record<string, string> }} Launch the options of playwright's `launch` */

const SUITE = 'bookworm'
const INSTALLED = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
/** The second one is for screenshots that look the same everywhere. */
const PACKAGES = ['chromium-headless-shell', 'fonts-inter']

/**
 * Dependencies that a browser without a screen does without, and those that Node needs too: half of the 160 MB. A libc of the
 * cache would not fit to the loader of this machine.
 */
const LEFT_OUT = new RegExp(
  `^(?:${[
    'libc6|libgcc-s1|gcc-\\d+-base|libstdc\\+\\+6',
    'libllvm\\d+|libgl1.*|libglx.*|libglvnd0|libz3-4|libdrm-(?:amdgpu|intel|nouveau|radeon).*',
    'x11-.*|xdg-utils|debconf|sysvinit-utils|lsb-base|libicu\\d+|libxml2|libsystemd0',
  ].join('|')})$`,
)

/**
 * How to start Chromium. Fetches it if it is neither installed nor cached: about 105 MB, and 5 s besides the download.
 * Rejects with what to install if it cannot.
 *
 * @returns {Promise<Launch>}
 */
export async function chromiumLaunch() {
  const own = await installed()
  if (own) return { executablePath: own, env: environment({}) }
  const home = await unpacked()
  const libraries = readdirSync(join(home, 'usr/lib')).flatMap((name) =>
    librariesIn(join(home, 'usr/lib', name)),
  )
  return {
    executablePath: join(home, 'usr/lib/chromium/chromium-headless-shell'),
    env: environment({ LD_LIBRARY_PATH: libraries.join(delimiter), FONTCONFIG_FILE: fontsOf(home) }),
  }
}

/** Ubuntu's chromium-browser is a script that asks for snap, so each one is tried. */
async function installed() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute)
  for (const file of INSTALLED.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    if (!existsSync(file)) continue
    const { code } = await runCommand(file, ['--version'], { timeoutMs: 10_000 })
    if (code === 0) return file
  }
  return undefined
}

async function unpacked() {
  const home = join(resolve(DEFAULT_CACHE), `chromium-${SUITE}`)
  if (await readLabel(home)) return home
  try {
    const request = { suite: SUITE, packages: PACKAGES, without: LEFT_OUT }
    await intoCache(home, async (fresh, work) => ({
      files: await unpackPackages({ ...request, into: fresh, work }),
    }))
    return home
  } catch (cause) {
    const wanted = `Install Chromium, or run this on Debian, with apt and a mirror that carries ${PACKAGES.join(' and ')} of ${SUITE}.`
    throw new Error(`Cannot get Chromium for the tests. ${wanted}`, { cause })
  }
}

/**
 * The folders of libraries below one of /usr/lib. Some packages have a folder of their own there.
 * @param {string} folder
 */
function librariesIn(folder) {
  return [folder, join(folder, 'nss'), join(folder, 'pulseaudio')].filter((path) => existsSync(path))
}

/**
 * A configuration of fontconfig with the fonts of the cache only.
 * @param {string} home
 */
function fontsOf(home) {
  const { path } = ownedFolder('leasehold-fonts')
  const file = join(path, 'fonts.conf')
  const prefer = (/** @type {string} */ family, /** @type {string} */ font) =>
    `<alias binding="strong"><family>${family}</family><prefer><family>${font}</family></prefer></alias>`
  const aliases = [
    prefer('system-ui', 'Inter'),
    prefer('sans-serif', 'Inter'),
    prefer('ui-monospace', 'DejaVu Sans Mono'),
  ]
  writeFileSync(
    file,
    `<?xml version="1.0"?><fontconfig><dir>${join(home, 'usr/share/fonts')}</dir>` +
      `<cachedir>${path}</cachedir>${aliases.join('')}</fontconfig>\n`,
  )
  return file
}

/**
 * @param {Record<string, string>} more
 * @returns {Record<string, string>}
 */
function environment(more) {
  const own = Object.entries(process.env).filter((entry) => entry[1] !== undefined)
  return { .../** @type {Record<string, string>} */ (Object.fromEntries(own)), ...more }
}
