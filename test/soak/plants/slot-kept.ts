// The first slot that would be given back is not, as before the real windows.

import '../../claude/sabotage/leak.ts'
