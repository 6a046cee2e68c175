import { render } from "preact";
import { connect } from "./live";
import { Shell } from "./shell";
import { applyTheme } from "./theme";

applyTheme();
connect();
render(<Shell />, document.getElementById("app")!);
