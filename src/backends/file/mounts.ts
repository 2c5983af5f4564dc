// The file system that a path is on, by name, and what its kind means for locks. Owns the list of kinds. Only Linux tells it.
import { readFileSync } from 'node:fs'

/** A file system that is mounted. */
export interface Mount {
  readonly point: string
  /** For example `ext4` or `nfs4`. */
  readonly type: string
}

/**
 * The trouble with a kind of file system. `network`: other machines may see the files, but not the locks. `memory` and
 * `container`: the files end with the machine or with the container. `unknown`: nobody has tried it.
 */
export type Trouble = 'network' | 'unknown' | 'memory' | 'container'

const kinds: Readonly<Record<Trouble, RegExp>> = {
  network:
    /^(nfs\d?|cifs|smb3?|smbfs|9p|afs|ceph|glusterfs|lustre|gfs2|ocfs2|fuse\.(sshfs|glusterfs|s3fs|cephfs|nfs))$/,
  unknown: /^(fuse|fuseblk|fuse\..*|virtiofs|vboxsf|prl_fs|vmhgfs)$/,
  memory: /^(tmpfs|ramfs)$/,
  container: /^(overlay|aufs)$/,
}

/** The trouble with a file system of this type. */
export function troubleOf(type: string): Trouble | undefined {
  const found = Object.entries(kinds).find(([, pattern]) => pattern.test(type))
  return found?.[0] as Trouble | undefined
}

/** The mount that a real path is on. Undefined where the system does not tell. */
export function mountOf(path: string): Mount | undefined {
  try {
    return parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'), path)
  } catch {
    return undefined
  }
}

/**
 * Finds the mount of a path in the text of `mountinfo`. The longest mount point decides, and of equal ones the last, which
 * hides the others. https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
 */
export function parseMounts(text: string, path: string): Mount | undefined {
  let best: Mount | undefined
  for (const line of text.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const point = unescaped(left.split(' ')[4] ?? '')
    const [type = ''] = right.split(' ')
    const isBelow = point === '/' || path === point || path.startsWith(`${point}/`)
    if (point !== '' && isBelow && point.length >= (best?.point.length ?? 0)) best = { point, type }
  }
  return best
}

/** A blank is written as \040, and so on. */
function unescaped(point: string): string {
  return point.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))
}
