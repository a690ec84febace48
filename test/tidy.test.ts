// The rules of the house, checked on the tree as it stands, with no list of exceptions; and beside each rule its twin: a
// planted fault that makes it fire.

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkAccessors } from './tidy/accessors.ts'
import { checkDocs, checkExportForms } from './tidy/exports.ts'
import { checkGlossary } from './tidy/glossary.ts'
import { checkCatches, checkEnvironment, checkTestsRun, checkTime } from './tidy/habits.ts'
import { checkNamedPaths } from './tidy/named-paths.ts'
import { checkNamedTests } from './tidy/named-tests.ts'
import { checkNames, checkSizes } from './tidy/names.ts'
import { checkPlantedTexts } from './tidy/planted-texts.ts'
import { conductPlants } from './tidy/plants/conduct.ts'
import { documentPlants } from './tidy/plants/documents.ts'
import { plantedTextPlants } from './tidy/plants/planted-texts.ts'
import { shapePlants } from './tidy/plants/shape.ts'
import { checkDependencies, checkPortable } from './tidy/portable.ts'
import { checkCycles, checkRanks } from './tidy/rooms.ts'
import { plantTree, readTree, type Tree } from './tidy/tree.ts'
import { checkVendored } from './tidy/vendored.ts'
import { checkPlaces, checkWords, thisMachine } from './tidy/words.ts'

const root = join(import.meta.dirname, '..')
const tree = readTree(root)

const rules: Readonly<Record<string, (tree: Tree) => string[]>> = {
  'a file imports its own room and lower rooms only': checkRanks,
  'no files import each other in a ring': checkCycles,
  'files are small': checkSizes,
  'names say what a thing is': checkNames,
  'every file and every export says what it is': checkDocs,
  'exports are named, at their declaration, and never through a hub': checkExportForms,
  'every exported type is a word of the glossary': checkGlossary,
  'what other programs spawn runs on Node 20 with built-ins and ws alone': checkPortable,
  'every dependency is pinned and accounted for': checkDependencies,
  'time and dice are passed in': checkTime,
  'only config reads the environment': checkEnvironment,
  'every test runs': checkTestsRun,
  'every test that a document names is there': checkNamedTests,
  'every file that a document names is there': checkNamedPaths,
  'every planted text stands once in the file it is planted in': checkPlantedTexts,
  'no failure is swallowed in silence': checkCatches,
  'accessors stand in classes': checkAccessors,
  'the tree holds finished work': checkWords,
  'the tree speaks of no machine and no registry': (each) => checkPlaces(each, thisMachine(root)),
}

describe('the tree', () => {
  it('is there', () => {
    expect(tree.files.length).toBeGreaterThan(20)
  })

  for (const [name, check] of Object.entries(rules)) {
    it(name, () => {
      expect(check(tree).join('\n')).toBe('')
    })
  }

  it('keeps vendored material as it came', () => {
    expect(checkVendored(tree, root).join('\n')).toBe('')
  })
})

describe('the rules can fail', () => {
  const plants = [...shapePlants, ...conductPlants, ...documentPlants, ...plantedTextPlants]

  it('every rule has a planted fault', () => {
    expect(new Set(plants.map((plant) => plant.rule))).toEqual(new Set(Object.keys(rules)))
  })

  for (const plant of plants) {
    it(`${plant.rule}: ${plant.name}`, () => {
      const check = rules[plant.rule]
      const found = check?.(plantTree(plant.files)).join('\n') ?? ''
      if (plant.fires === null) expect(found).toBe('')
      else expect(found).toMatch(plant.fires)
    })
  }

  it('a changed vendored file is seen', () => {
    const changed = {
      files: [],
      paths: new Set<string>(),
      vendored: new Map([['package.json', '0'.repeat(64)]]),
    }
    expect(checkVendored(changed, root).join('\n')).toMatch(/differs from its SHA256SUMS/)
  })
})
