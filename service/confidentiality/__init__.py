"""Values and the operators behind them in, what may be published out.

Imported by whatever tells a number: evaluation, months, reports, answers.
"""
