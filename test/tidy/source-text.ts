// Reads a source file the way tidy needs it: the text as it is, the text without comments, and the text without
// comments and literals. All three have the same length, so an index in one is an index in the others. It is no parser:
// it knows comments, strings, templates and regular expressions, and nothing else.

/** One file of the tree. `path` is relative to the project, with forward slashes. */
export interface SourceText {
  readonly path: string
  readonly text: string
  /** Comments blanked. */
  readonly code: string
  /** Comments, string contents and regular expressions blanked. */
  readonly bare: string
}

/** Reads `text` once. */
export function toSourceText(path: string, text: string): SourceText {
  if (!isScript(path)) return { path, text, code: text, bare: text }
  const { code, bare } = blank(text)
  return { path, text, code, bare }
}

/** True for the languages that tidy reads as code. */
export function isScript(path: string): boolean {
  return /\.(?:ts|mts|js|mjs|cjs)$/.test(path)
}

/** 1-based line of an index, for messages. */
export function lineOf(source: SourceText, index: number): number {
  let line = 1
  for (let i = source.text.indexOf('\n'); i >= 0 && i < index; i = source.text.indexOf('\n', i + 1)) line++
  return line
}

/** `path:line` of an index, for messages. */
export function placeOf(source: SourceText, index: number): string {
  return `${source.path}:${lineOf(source, index)}`
}

const regexMayFollow =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|delete|throw|await|yield))\s*$/

function blank(text: string): { code: string; bare: string } {
  const code = [...text]
  const bare = [...text]
  // `[...text]` splits by code point; indexes must be UTF-16 units, so both arrays are rebuilt from units.
  if (code.length !== text.length) {
    code.length = 0
    bare.length = 0
    for (let i = 0; i < text.length; i++) {
      code.push(text.charAt(i))
      bare.push(text.charAt(i))
    }
  }
  const hide = (from: number, to: number, isComment: boolean): void => {
    for (let i = from; i < to; i++) {
      if (text[i] === '\n') continue
      bare[i] = ' '
      if (isComment) code[i] = ' '
    }
  }
  const braces: boolean[] = [] // true: this brace closes a `${` of a template
  let at = 0
  const template = (): void => {
    const start = at
    while (at < text.length) {
      if (text[at] === '\\') at += 2
      else if (text[at] === '`') {
        hide(start, at, false)
        at++
        return
      } else if (text.startsWith('${', at)) {
        hide(start, at, false)
        at += 2
        braces.push(true)
        return
      } else at++
    }
  }
  while (at < text.length) {
    const char = text.charAt(at)
    if (text.startsWith('//', at) || (at === 0 && text.startsWith('#!'))) {
      const end = indexOrEnd(text, '\n', at)
      hide(at, end, true)
      at = end
    } else if (text.startsWith('/*', at)) {
      const end = Math.min(text.length, indexOrEnd(text, '*/', at + 2) + 2)
      hide(at, end, true)
      at = end
    } else if (char === "'" || char === '"') {
      const end = endOfString(text, at)
      hide(at + 1, end, false)
      at = end + 1
    } else if (char === '`') {
      at++
      template()
    } else if (char === '{') {
      braces.push(false)
      at++
    } else if (char === '}') {
      at++
      if (braces.pop() === true) template()
    } else if (char === '/' && regexMayFollow.test(code.slice(Math.max(0, at - 40), at).join(''))) {
      const end = endOfRegex(text, at)
      hide(at + 1, end, false)
      at = end
    } else at++
  }
  return { code: code.join(''), bare: bare.join('') }
}

function indexOrEnd(text: string, mark: string, from: number): number {
  const index = text.indexOf(mark, from)
  return index < 0 ? text.length : index
}

function endOfString(text: string, start: number): number {
  const quote = text[start]
  let at = start + 1
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
  return at
}

function endOfRegex(text: string, start: number): number {
  let isClass = false
  let at = start + 1
  while (at < text.length && text[at] !== '\n') {
    const char = text[at]
    if (char === '\\') at++
    else if (char === '[') isClass = true
    else if (char === ']') isClass = false
    else if (char === '/' && !isClass) return at + 1
    at++
  }
  return at
}
