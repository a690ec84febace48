// An uploaded file: read from the multipart body by the platform's own parser, and turned into text the way the vendors'
// file-extract does, so that a mark inside a PDF or DOCX really comes out.

const textCharsMax = 16 * 1024 * 1024

/** A file as it came in. */
export interface Upload {
  readonly purpose: string
  readonly filename: string
  readonly mimeType: string
  readonly bytes: Uint8Array
}

/** Reads a multipart body; undefined when it is none or has no file. */
export async function readUpload(raw: Buffer, contentType: string): Promise<Upload | undefined> {
  if (!contentType.startsWith('multipart/form-data')) return undefined
  try {
    // The copy gives Response a plain ArrayBuffer of its own.
    const form = await new Response(new Uint8Array(raw), {
      headers: { 'content-type': contentType },
    }).formData()
    const file = form.get('file')
    if (file === null || typeof file === 'string') return undefined
    return {
      purpose: String(form.get('purpose') ?? ''),
      filename: file.name,
      mimeType: file.type,
      bytes: new Uint8Array(await file.arrayBuffer()),
    }
  } catch {
    // A body that only claims to be multipart: the vendor answers that no file came.
    return undefined
  }
}

/** The file name's extension in lower case, without the dot. */
export function extensionOf(filename: string): string {
  return /\.([^.]+)$/.exec(filename)?.[1]?.toLowerCase() ?? ''
}

/** The text of a document. Throws when it cannot be read. */
export async function textOfUpload(upload: Upload): Promise<string> {
  const text = await extracted(upload)
  return text.slice(0, textCharsMax)
}

async function extracted({ filename, bytes }: Upload): Promise<string> {
  switch (extensionOf(filename)) {
    // The two readers are loaded when the first such file comes: they would double the time to the first line printed.
    case 'pdf': {
      const { extractText, getDocumentProxy } = await import('unpdf')
      const pdf = await getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 })
      try {
        return (await extractText(pdf, { mergePages: true })).text
      } finally {
        await pdf.loadingTask.destroy()
      }
    }
    case 'docx': {
      const { default: mammoth } = await import('mammoth')
      return (await mammoth.extractRawText({ buffer: Buffer.from(bytes) })).value
    }
    case 'html':
    case 'htm':
      return Buffer.from(bytes)
        .toString('utf8')
        .replace(/<(script|style)[\s\S]*?<\/\1>/gi, '')
        .replace(/<[^>]+>/g, ' ')
    default:
      return Buffer.from(bytes).toString('utf8')
  }
}
