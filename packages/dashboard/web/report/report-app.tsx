// What stands around every view of a report.

import { MenuButton, ThemeChoice } from "../frame/header.tsx";
import { Menu } from "../frame/menu.tsx";
import { BASE } from "../frame/routes.ts";
import { View } from "../frame/view.tsx";
import { Empty } from "../ui/basics.tsx";
import { dateTime } from "../ui/format.ts";
import { Toasts } from "../ui/toast.tsx";
import { report } from "./report-data.ts";
import { periodText } from "./summary.tsx";

export function ReportApp() {
  const data = report.value;
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="header">
        <MenuButton />
        <a class="brand" href={`${BASE}/summary`}>
          Taskflock
        </a>
        <p class="limit-line">
          {data === null ? "Report" : `${data.title === "" ? "Report" : data.title}: ${periodText(data)}`}
        </p>
        {data !== null && <p class="soft made">as of {dateTime(data.to)}</p>}
        <ThemeChoice />
      </header>
      <Menu />
      {data === null ? (
        <main id="main">
          <Empty>This is the empty page of a report. A report has data in it.</Empty>
        </main>
      ) : (
        <View />
      )}
      <Toasts />
    </div>
  );
}
