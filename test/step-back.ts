// Lets the process of a test file step back: it runs when no other test file needs the core. For files that keep a core
// busy and go by no clock, such as simulated runs. Other tests, which watch deadlines meanwhile, notice little of them.
import { constants, setPriority } from 'node:os'

setPriority(constants.priority.PRIORITY_LOW)
