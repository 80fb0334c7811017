// Switches on what nhsuk-frontend adds where scripts run. Every page works without it.
import { initAll } from './nhsuk-10.6.1/nhsuk-frontend.min.js'

document.body.classList.add('js-enabled', 'nhsuk-frontend-supported')
initAll()
