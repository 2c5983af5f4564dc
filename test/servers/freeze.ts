// Stops a server so that it answers nothing from then on. After the signal it takes a moment until it stands still.
import { onTestFinished } from 'vitest'
import { runCommand } from '../../tools/servers/command.mjs'
import type { Member } from '../../tools/servers/run.mjs'
import { until } from '../../tools/servers/wait.mjs'

/** Resolves when the member stands still. It goes on at the latest at the end of the test. */
export async function freeze(member: Member): Promise<void> {
  onTestFinished(() => member.cont())
  member.stop()
  const stopped = async (): Promise<boolean> => {
    const { stdout } = await runCommand('ps', ['-o', 'stat=', '-p', String(member.pid)])
    return stdout.startsWith('T')
  }
  await until(stopped, { describe: () => `${member.name} standing still`, everyMs: 1 })
}
