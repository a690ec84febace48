// What stands under a name in a plain object, where the name came from outside: a model, a team, a variable. A plain object also answers
// to the names of what every object has, so one called `constructor` or `__proto__` would find a function where a number should be.

/** The object's own value of that name; undefined: it has none. */
export function ownValue<Value>(values: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}
