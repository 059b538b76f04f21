"""The strategy builder: a rule document as a form whose fields are the document's own parts."""

from trading.views.builder.charts import strategy_build_chart, strategy_chart
from trading.views.builder.pages import strategy_build, strategy_build_preview, strategy_rebuild

__all__ = ["strategy_build", "strategy_build_chart", "strategy_build_preview", "strategy_chart", "strategy_rebuild"]
