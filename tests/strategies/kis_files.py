"""`.kis.yaml` files to read and to bend."""

SIMPLE = """\
version: "1.0"
metadata: {name: "Oversold bounce", description: "Buy a deep CCI, sell strength", author: "demo", tags: [oscillator]}
strategy:
  id: oversold_bounce
  category: oscillator
  indicators:
    - {id: cci, alias: cci_1, params: {period: 20}}
  entry: {logic: AND, conditions: [{indicator: cci_1, operator: less_than, compare_to: -120}]}
  exit: {logic: OR, conditions: [{indicator: cci_1, operator: greater_than, compare_to: 60}]}
risk:
  stop_loss: {enabled: true, percent: 4.0}
"""

EVERYTHING = """\
version: "1.0"
metadata: {name: "Band pullback", description: "Lower band, volume, candle", author: "demo", created_at: "2026-01-05T09:00:00", tags: ["composite"]}
strategy:
  id: band_pullback
  category: composite
  params:
    band_len: {default: 24, min: 10, max: 60, type: int, step: 2, description: "Band length"}
    rsi_cap: {default: 45, min: 20, max: 60, type: float}
    rsi_exit: {default: 68, min: 55, max: 90, type: float}
  indicators:
    - {id: bollinger, alias: bands, name: "Bands (main)", params: {period: $band_len, std: 2.0}, output: middle}
    - {id: macd, alias: trend, params: {fast: 8, slow: 21, signal: 5}}
    - {id: rsi, alias: strength, params: {period: 10}}
    - {id: ema, alias: base, params: {period: 90}}
    - {id: consecutive, alias: falling, params: {direction: down}}
  candlesticks:
    - {id: hammer, alias: hammer_1}
    - {id: engulfing, alias: engulfing_1}
  entry:
    logic: AND
    conditions:
      - {indicator: close, operator: less_equal, compare_to: bands, compare_output: lower, compare_scalar: 1.01, compare_operation: mul}
      - {indicator: close, operator: ">", compare_to: base}
      - {indicator: strength, operator: lt, value: $rsi_cap}
      - {indicator: volume, operator: greater_than, value: 50000}
      - {indicator: falling, operator: gte, value: 2}
      - {candlestick: hammer_1, signal: bullish}
  exit:
    logic: OR
    conditions:
      - {indicator: trend, output: value, operator: crosses_below, compare_to: trend, compare_output: signal}
      - {indicator: strength, operator: cross_above, compare_to: $rsi_exit}
      - {indicator: trend, output: histogram, operator: "<=", compare_to: -25}
      - {candlestick: engulfing_1, signal: bearish}
risk:
  stop_loss: {enabled: true, percent: 6.0}
  take_profit: {enabled: true, percent: 18.0}
  trailing_stop: {enabled: true, percent: 7.5}
  max_position_size: 0.25
"""  # noqa: E501 - a file as people write them
