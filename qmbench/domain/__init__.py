"""What everything else speaks of: systems, properties, methods, values with uncertainties."""
