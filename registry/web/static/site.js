// Switches on what nhsuk-frontend adds where scripts run. Every page works without it.
import { initAll } from './nhsuk-10.6.1/nhsuk-frontend.min.js'

document.body.classList.add('js-enabled', 'nhsuk-frontend-supported')
initAll()

// How far a submission is: asked for each second until it has ended, then its page is shown. Without scripts the page renews itself.
const waiting = document.querySelector('[data-progress]')

async function look () {
  const answer = await fetch(waiting.dataset.progress, { headers: { Accept: 'application/json' } }).catch(() => null)
  const told = answer?.ok ? await answer.json() : null
  if (told && !told.waiting) {
    window.location.reload()
    return
  }
  if (told) show(told)
  setTimeout(look, told ? 1000 : 5000)
}

function show (told) {
  const bar = waiting.querySelector('progress')
  const words = waiting.querySelector('[role=status] label')
  if (words.textContent !== told.words) words.textContent = told.words
  if (told.total) {
    bar.max = told.total
    bar.value = told.done ?? 0
  }
}

if (waiting) setTimeout(look, 1000)

// A question that does not apply is folded away, unless it was answered or something in it is wrong. `data-when` names the question that
// decides, `data-is` its answers: codes, * for any, nothing for none. Without scripts every question is shown.
function answerTo (form, name) {
  const inputs = [...form.elements].filter(each => each.name === name || each.name?.startsWith(`${name}-`))
  const given = inputs.filter(each => !['radio', 'checkbox'].includes(each.type) || each.checked).map(each => each.value.trim())
  return given.find(each => each) ?? ''
}

function isAnswered (part) {
  const inputs = [...part.querySelectorAll('input, select, textarea')].filter(each => each.type !== 'hidden')
  return inputs.some(each => ['radio', 'checkbox'].includes(each.type) ? each.checked && each.value : each.value.trim())
}

function fold (form) {
  for (const part of form.querySelectorAll('[data-when]')) {
    const given = answerTo(form, part.dataset.when)
    const wanted = part.dataset.is.split('|')
    const applies = wanted.includes(given) || (given && wanted.includes('*'))
    part.hidden = !applies && !isAnswered(part) && !part.querySelector('.nhsuk-error-message')
  }
}

for (const form of document.querySelectorAll('form:has([data-when])')) {
  fold(form)
  form.addEventListener('input', () => fold(form))
  form.addEventListener('change', () => fold(form))
}

// What is typed is kept as a draft a moment after the last keystroke, and when the page is left. Nothing is kept of a form that was not
// touched, and nothing once it is sent. Without scripts there is a button.
const PAUSE = 1500
const NOT_KEPT = 'The draft could not be kept just now. What you typed still stands here.'
const SIGNED_OUT = 'You are signed out, so nothing is kept. What you typed still stands here: sign in again in another window, then go on typing.'

// Whoever has signed in again in another window has another token by then. The forms of this page take it over, so that they are not stale.
async function renewTokens () {
  const page = await fetch('/account').catch(() => null)
  if (!page?.ok || page.redirected) return false
  const token = new DOMParser().parseFromString(await page.text(), 'text/html').querySelector('[name="form_token"]')?.value
  const fields = [...document.querySelectorAll('[name="form_token"]')].filter(each => token && each.value !== token)
  for (const each of fields) each.value = token
  return fields.length > 0
}

function keepDrafts (form) {
  const said = form.querySelector('[data-draft-said]')
  let timer = null
  let asked = null
  async function keep () {
    timer = null
    asked?.abort()
    const request = asked = new AbortController()
    const send = () => fetch(form.dataset.draft, { method: 'POST', body: new URLSearchParams(new FormData(form)), signal: request.signal }).catch(() => null)
    let answer = await send()
    if (answer?.status === 403 && !request.signal.aborted && await renewTokens()) answer = await send()
    if (request.signal.aborted) return
    const told = answer?.ok ? await answer.json().catch(() => null) : null
    said.textContent = told?.said ?? (answer?.redirected ? SIGNED_OUT : NOT_KEPT)
  }
  form.addEventListener('input', () => {
    clearTimeout(timer)
    timer = setTimeout(keep, PAUSE)
  })
  form.addEventListener('submit', () => {
    clearTimeout(timer)
    timer = null
    asked?.abort()
  })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'hidden' || timer === null) return
    clearTimeout(timer)
    keep()
  })
}

document.querySelectorAll('form[data-draft]').forEach(keepDrafts)
