// Every fault of Kimi that can meet a chat, seen by a window of the whole server, once and without end. Each vendor has a file, and so a
// process, of its own: that nothing stays open is looked up for the whole process.

import { describe } from 'vitest'
import { strikeChats } from '../support/chat-faults.ts'

describe('kimi', () => strikeChats('kimi'))
