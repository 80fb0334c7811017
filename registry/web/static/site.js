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
  const words = waiting.querySelector('[role=status]')
  if (words.textContent !== told.words) words.textContent = told.words
  if (told.total) {
    bar.max = told.total
    bar.value = told.done ?? 0
  }
}

if (waiting) setTimeout(look, 1000)
