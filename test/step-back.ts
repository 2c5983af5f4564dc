// Lets the process of a test file step back: its share of a core is a third of that of other test files. For files that
// keep a core busy and go by no clock, such as simulated runs. Other tests, which watch deadlines meanwhile, notice
// little of them. With the lowest priority they would never end while another program needs all cores.
import { setPriority } from 'node:os'

setPriority(5)
