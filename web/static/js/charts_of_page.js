/** Draws the charts of a page that has no other script. */

import { drawCharts } from "./charts.js";

drawCharts(document);
