"""Values and the operators behind them in, what may be published out."""
