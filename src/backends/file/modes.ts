// Reads and writes the mode of a folder. Owns the meaning of its bits; folder.ts decides which users may use a folder.

/** A mode in four octal digits, as the command chmod takes it. */
export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}

/** Whether a folder is for several users on purpose: for its group, with the setgid bit, or for all, as /tmp is. */
export function isShared(mode: number): boolean {
  return (mode & 0o2020) === 0o2020 || (mode & 0o1002) === 0o1002
}
