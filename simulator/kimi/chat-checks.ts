// What Kimi checks of a chat before it answers: fixed sampling values, images by data or ms:// only, thinking that must
// be handed back with tool calls, tool results that belong to a call. The words are Kimi's where they are known.

import { isObject, type JsonObject, objectsOf, textOf } from '../json.ts'
import type { VendorRequest } from '../vendor-request.ts'
import { VendorRefusal } from '../wire.ts'
import { kimiError, kimiUnknownModel, refuseKimi } from './errors.ts'
import { type KimiModel, kimiModels } from './models.ts'

/** The model asked for; 404 for an unknown or dead one. */
export function kimiModelOf({ body, settings }: VendorRequest): KimiModel {
  const model = kimiModels.find((one) => one.id === body.model)
  if (model) return model
  throw new VendorRefusal(kimiError(settings, kimiUnknownModel(String(body.model ?? ''))))
}

/** Whether the model thinks on this request. */
export function isThinking({ body }: VendorRequest, model: KimiModel): boolean {
  return !(model.family === 'k2.6' && isObject(body.thinking) && body.thinking.type === 'disabled')
}

/** The builtin search among the tools, if any. */
export function hasBuiltinSearch(body: JsonObject): boolean {
  return objectsOf(body.tools).some(
    (tool) =>
      tool.type === 'builtin_function' && isObject(tool.function) && tool.function.name === '$web_search',
  )
}

/** Checks messages and parameters; throws Kimi's refusal. */
export function checkKimiChat(request: VendorRequest, model: KimiModel): void {
  checkSampling(request, model)
  checkThinking(request, model)
  checkMessages(request, model)
  checkTools(request, model)
}

function checkSampling(request: VendorRequest, model: KimiModel): void {
  const { body, settings } = request
  const temperature = model.family === 'k2.6' && !isThinking(request, model) ? 0.6 : 1
  const fixed = { temperature, top_p: 0.95, n: 1, presence_penalty: 0, frequency_penalty: 0 }
  for (const [name, value] of Object.entries(fixed)) {
    const sent = body[name]
    if (sent !== undefined && sent !== null && sent !== value) {
      refuseKimi(settings, `invalid ${name}: only ${value} is allowed for this model`)
    }
  }
  const cap = capOf(body)
  if (cap !== undefined && !(Number.isInteger(cap) && cap >= 1))
    refuseKimi(settings, 'Invalid request: invalid max_tokens')
  const stop = Array.isArray(body.stop)
    ? body.stop
    : body.stop === undefined || body.stop === null
      ? []
      : [body.stop]
  if (stop.length > 5 || stop.some((one) => Buffer.byteLength(String(one)) > 32)) {
    refuseKimi(settings, 'Invalid request: stop must be at most 5 strings of at most 32 bytes')
  }
}

/** The cap on the output: max_completion_tokens wins over max_tokens. */
export function capOf(body: JsonObject): number | undefined {
  const cap = body.max_completion_tokens ?? body.max_tokens
  return cap === undefined || cap === null ? undefined : Number(cap)
}

function checkThinking({ body, settings }: VendorRequest, model: KimiModel): void {
  const { thinking, reasoning_effort: effort } = body
  const type = isObject(thinking) ? thinking.type : undefined
  if (model.family === 'k3') {
    if (thinking !== undefined && settings.switches['k3-thinking'] === 'refuse') {
      refuseKimi(settings, 'Invalid request: thinking is not supported by this model')
    }
    if (effort !== undefined && effort !== 'low' && effort !== 'high' && effort !== 'max') {
      refuseKimi(settings, 'Invalid request: reasoning_effort must be one of low, high, max')
    }
  }
  if (model.family === 'k2.7' && type === 'disabled') {
    refuseKimi(settings, 'Invalid request: thinking cannot be disabled for this model')
  }
}

function checkMessages(request: VendorRequest, model: KimiModel): void {
  const { body, settings } = request
  const messages = objectsOf(body.messages)
  if (messages.length === 0) refuseKimi(settings, 'Invalid request: messages must not be empty')
  const open = new Set<string>()
  for (const [index, message] of messages.entries()) {
    checkParts(request, message, model)
    const calls = objectsOf(message.tool_calls)
    if (message.role === 'assistant' && calls.length > 0) {
      if (isThinking(request, model) && typeof message.reasoning_content !== 'string') {
        refuseKimi(
          settings,
          `thinking is enabled but reasoning_content is missing in assistant tool call message at index ${index}`,
        )
      }
      for (const call of calls) open.add(String(call.id))
    } else if (message.role === 'tool') {
      if (!open.delete(String(message.tool_call_id)))
        refuseKimi(settings, 'Invalid request: tool_call_id  is not found')
    } else if (open.size > 0) {
      break
    } else if (textOf(message.content) === '' && message.partial !== true && !isDynamicTools(message)) {
      refuseKimi(settings, 'Invalid request: message content must not be empty')
    }
  }
  if (open.size > 0) refuseKimi(settings, 'Invalid request: tool_call_id  is not found')
}

function isDynamicTools(message: JsonObject): boolean {
  return message.role === 'system' && Array.isArray(message.tools)
}

function checkParts({ settings }: VendorRequest, message: JsonObject, model: KimiModel): void {
  if (isDynamicTools(message) && message.content !== undefined) {
    refuseKimi(settings, 'Invalid request: tools in a system message cannot be used with content')
  }
  for (const part of objectsOf(message.content)) {
    if (part.type === 'text') continue
    const holder = part.image_url ?? part.video_url
    const url = typeof holder === 'string' ? holder : isObject(holder) ? holder.url : undefined
    if (typeof url !== 'string')
      refuseKimi(settings, `Invalid request: unsupported content part ${String(part.type)}`)
    if (!/^(data:[^,]+;base64,|ms:\/\/)/.test(url))
      refuseKimi(settings, 'Invalid request: unsupported image url')
    if (!model.isVision) refuseKimi(settings, 'Invalid request: image input is not supported by this model')
  }
}

function checkTools(request: VendorRequest, model: KimiModel): void {
  const { body, settings } = request
  const tools = objectsOf(body.tools)
  if (tools.length > 128) refuseKimi(settings, 'Invalid request: at most 128 tools are supported')
  const names = new Set<string>()
  for (const tool of tools) {
    const name = isObject(tool.function) ? String(tool.function.name ?? '') : ''
    if (tool.type === 'builtin_function') continue
    if (!/^[a-zA-Z_][a-zA-Z0-9_-]{0,127}$/.test(name))
      refuseKimi(settings, `Invalid request: function name is invalid: ${name}`)
    if (names.has(name)) refuseKimi(settings, `Invalid request: function name ${name} is duplicated`)
    names.add(name)
  }
  const choice = body.tool_choice
  if (choice === 'required' && model.family !== 'k3') {
    refuseKimi(settings, 'Invalid request: tool_choice required is not supported by this model')
  }
  if (isObject(choice) && isThinking(request, model)) {
    refuseKimi(settings, "tool_choice 'specified' is incompatible with thinking enabled")
  }
  checkBuiltinSearch(request, model)
}

function checkBuiltinSearch(request: VendorRequest, model: KimiModel): void {
  const { body, settings } = request
  if (!hasBuiltinSearch(body)) return
  if (model.family === 'k2.6' && isThinking(request, model)) {
    refuseKimi(
      settings,
      'Invalid request: builtin function $web_search is incompatible with thinking enabled',
    )
  }
  if (model.family === 'k3' && settings.switches['k3-builtin-search'] === 'refuse') {
    refuseKimi(settings, 'Invalid request: builtin function $web_search is not supported by this model')
  }
}
