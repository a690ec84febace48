// What a model is told of the whole server; clients cut it at 4,096 characters.

/** The server's instructions. */
export const instructions: string = `EX-AI gives this window a second set of AI tools, shared fairly with other windows: chat (GLM, Kimi and other models), web_search, codereview, analyze_document and summarize (PDF, DOCX, HTML, Markdown, text). Give documents by path inside the project folder. When a tool says it is busy, wait as it says and call again. When a call was cut off before its answer came, do not repeat it at once: result lists the answers that wait.`
